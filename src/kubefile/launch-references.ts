import { posix } from "node:path";
import { type CommandWord, type SimpleCommand, splitCommandLine } from "./command-line.ts";
import { isOutside } from "./context-files.ts";

/** A path or an address that a launch command reads. */
export interface LaunchReference {
  readonly kind: "file" | "chart" | "address";
  /** A path relative to the root of the cluster image, or the address as written. */
  readonly target: string;
  /** Offsets of the word in the command line. */
  readonly start: number;
  readonly end: number;
  /** True when a command before it in the same line may have made the path. */
  readonly mayBeMade: boolean;
}

/**
 * What a launch command line reads as far as its text tells: `kubectl ... -f PATH`, `helm install NAME CHART`, values
 * files, `sh PATH`, `./PATH`, and addresses that these and curl, wget, git and `helm repo add` fetch from. Words that
 * the shell has yet to expand, absolute paths and standard input are left out.
 */
export function launchReferences(commandLine: string, directory = "."): readonly LaunchReference[] {
  const found: LaunchReference[] = [];
  let current: string | undefined = directory;
  let mayBeMade = false;
  for (const command of splitCommandLine(commandLine)) {
    const words = withoutPrefix(command.words);
    const name = posix.basename(words[0]?.text ?? "");
    if (name === "cd") current = changedDirectory(current, words[1]);
    else found.push(...resolved(readsOf(name, words), current, mayBeMade));
    if (makesFiles(name, command)) mayBeMade = true;
  }
  return found;
}

type Read = { readonly kind: "file" | "chart" | "address"; readonly word: CommandWord; readonly text: string };

const prefixes = new Set([
  "!",
  "{",
  "do",
  "elif",
  "else",
  "env",
  "exec",
  "if",
  "nohup",
  "sudo",
  "then",
  "time",
  "until",
  "while",
]);

const fileMakers = new Set([
  "awk",
  "cat",
  "cp",
  "curl",
  "git",
  "gunzip",
  "install",
  "ln",
  "mkdir",
  "mv",
  "rsync",
  "sed",
  "tar",
  "tee",
  "touch",
  "unzip",
  "wget",
]);

function withoutPrefix(words: readonly CommandWord[]): readonly CommandWord[] {
  const start = words.findIndex(({ text }) => !prefixes.has(text) && !/^[A-Za-z_]\w*=/.test(text));
  return start < 0 ? [] : words.slice(start);
}

function makesFiles(name: string, command: SimpleCommand): boolean {
  return (
    command.writesFile || fileMakers.has(name) || (name === "helm" && command.words.some(({ text }) => text === "pull"))
  );
}

/** Undefined once the directory is not known any more. */
function changedDirectory(current: string | undefined, target: CommandWord | undefined): string | undefined {
  if (current === undefined || target === undefined || target.isDynamic || target.text.startsWith("/"))
    return undefined;
  return posix.join(current, target.text);
}

function resolved(
  reads: readonly Read[],
  directory: string | undefined,
  mayBeMade: boolean,
): readonly LaunchReference[] {
  return reads.flatMap(({ kind, word, text }): LaunchReference[] => {
    const place = { start: word.start, end: word.end, mayBeMade };
    if (kind === "address" || isAddress(text)) return [{ kind: "address", target: text, ...place }];
    if (word.isDynamic || directory === undefined || text === "" || text === "-" || text.startsWith("/")) return [];
    const target = posix.join(directory, text).replace(/\/+$/, "");
    return isOutside(target) ? [] : [{ kind, target, ...place }];
  });
}

function readsOf(name: string, words: readonly CommandWord[]): readonly Read[] {
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
function kubectlReads(words: readonly CommandWord[]): readonly Read[] {
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
function helmReads(words: readonly CommandWord[]): readonly Read[] {
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
  const charts: Read[] =
    chart === undefined || addresses.length > 0 ? [] : [{ kind: "chart", word: chart, text: chart.text }];
  return [...addresses, ...charts, ...values];
}

/** The script of `sh SCRIPT`; none for `sh -c COMMAND` and for standard input. */
function scriptReads(words: readonly CommandWord[]): readonly Read[] {
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

function isAddress(text: string): boolean {
  return /^(?:https?|oci|git|ssh):\/\/|^git@/i.test(text);
}
