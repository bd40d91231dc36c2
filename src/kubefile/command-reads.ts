import type { CommandWord } from "./command-line.ts";

/** Something that a command reads: the word that names it, and the name, which may be a part of the word. */
export interface CommandRead {
  readonly kind: "file" | "chart" | "address";
  readonly word: CommandWord;
  readonly text: string;
}

/** What the program `name` reads when it is run with these words, the program's own among them. */
export function readsOf(name: string, words: readonly CommandWord[]): readonly CommandRead[] {
  const rest = words.slice(1);
  switch (name) {
    case "kubectl":
      return kubectlReads(rest);
    case "helm":
      return helmReads(rest);
    case "sh":
    case "bash":
    case "source":
    case ".":
      return scriptReads(rest);
    case "curl":
    case "wget":
      return rest.filter(({ text }) => isAddress(text)).map((word) => ({ kind: "address", word, text: word.text }));
    case "git":
      return rest.some(({ text }) => text === "clone")
        ? rest.filter(({ text }) => isAddress(text)).map((word) => ({ kind: "address", word, text: word.text }))
        : [];
    default: {
      const program = words[0];
      return program !== undefined && /^\.?\.?[^/]*\//.test(program.text) && program.text.startsWith(".")
        ? [{ kind: "file", word: program, text: program.text }]
        : [];
    }
  }
}

const kubectlVerbs = new Set([
  "annotate",
  "apply",
  "autoscale",
  "create",
  "delete",
  "describe",
  "diff",
  "edit",
  "expose",
  "get",
  "label",
  "patch",
  "replace",
  "rollout",
  "scale",
  "set",
  "wait",
]);

/** `-f` is a file name for the verbs above; for `logs` it means to follow. */
function kubectlReads(words: readonly CommandWord[]): readonly CommandRead[] {
  if (!words.some(({ text }) => kubectlVerbs.has(text))) return [];
  return flagValues(words, ["-f", "--filename", "-k", "--kustomize"]).flatMap(({ word, text }) =>
    text.split(",").map((part) => ({ kind: "file" as const, word, text: part })),
  );
}

const helmFlagsWithValue = new Set([
  "-n",
  "--namespace",
  "-f",
  "--values",
  "--set",
  "--set-string",
  "--set-file",
  "--set-json",
  "--set-literal",
  "--version",
  "--repo",
  "--timeout",
  "--kube-context",
  "--kubeconfig",
  "--kube-apiserver",
  "--kube-token",
  "--kube-as-user",
  "--description",
  "--post-renderer",
  "--post-renderer-args",
  "--username",
  "--password",
  "--ca-file",
  "--cert-file",
  "--key-file",
  "--keyring",
  "--history-max",
  "-o",
  "--output",
  "-l",
  "--labels",
  "--name-template",
  "--burst-limit",
  "--qps",
]);

/** The chart and the values files of `helm install|upgrade|template`, and the address of `helm repo add` and `pull`. */
function helmReads(words: readonly CommandWord[]): readonly CommandRead[] {
  const positional = positionals(words, helmFlagsWithValue);
  const [verb, ...operands] = positional;
  if (verb?.text === "repo" || verb?.text === "pull" || verb?.text === "registry") {
    const word = operands.find(({ text }) => isAddress(text)) ?? operands[0];
    if (word === undefined || word.text === "list" || word.text === "logout") return [];
    return [{ kind: "address", word, text: isAddress(word.text) ? word.text : `helm ${verb.text} ${word.text}` }];
  }
  if (verb === undefined || !["install", "upgrade", "template"].includes(verb.text)) return [];
  const addresses = flagValues(words, ["--repo"]).map((read) => ({ kind: "address" as const, ...read }));
  const values = flagValues(words, ["-f", "--values"]).map((read) => ({ kind: "file" as const, ...read }));
  const generated = words.some(({ text }) => text === "--generate-name" || text === "-g");
  const chart = operands[generated ? 0 : 1] ?? (verb.text === "template" ? operands[0] : undefined);
  const charts: CommandRead[] =
    chart === undefined || addresses.length > 0 ? [] : [{ kind: "chart", word: chart, text: chart.text }];
  return [...addresses, ...charts, ...values];
}

/** The script of `sh SCRIPT`; none for `sh -c COMMAND` and for standard input. */
function scriptReads(words: readonly CommandWord[]): readonly CommandRead[] {
  const script = positionals(words, new Set(["-o", "+o", "-O", "--rcfile", "--init-file"]))[0];
  const readsNone = words.some(({ text }) => /^-[a-z]*[cs]/.test(text));
  return script === undefined || readsNone ? [] : [{ kind: "file", word: script, text: script.text }];
}

/** `-f VALUE`, `-f=VALUE`, `--flag VALUE`, `--flag=VALUE`. */
function flagValues(
  words: readonly CommandWord[],
  flags: readonly string[],
): readonly { word: CommandWord; text: string }[] {
  return words.flatMap((word, index) => {
    if (flags.includes(word.text)) {
      const value = words[index + 1];
      return value === undefined ? [] : [{ word: value, text: value.text }];
    }
    const flag = flags.find((name) => word.text.startsWith(`${name}=`));
    return flag === undefined ? [] : [{ word, text: word.text.slice(flag.length + 1) }];
  });
}

function positionals(words: readonly CommandWord[], flagsWithValue: ReadonlySet<string>): readonly CommandWord[] {
  return words.filter((word, index) => {
    const before = words[index - 1]?.text ?? "";
    return !/^[-+]./.test(word.text) && !flagsWithValue.has(before);
  });
}

export function isAddress(text: string): boolean {
  return /^(?:https?|oci|git|ssh):\/\/|^git@/i.test(text);
}
