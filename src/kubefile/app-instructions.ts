import {
  type Arguments,
  base,
  checkVariableName,
  jsonList,
  listOrWords,
  missing,
  readPair,
  readPairs,
} from "./arguments.ts";
import { quoted } from "./diagnostic.ts";
import type { AppCmdsInstruction, AppEnvInstruction, AppInstruction, Pair } from "./instruction.ts";
import { concatenate, type MappedText, slice, spanOf, trim } from "./mapped-text.ts";
import { firstWritten, shellWord, splitWritten, type Word } from "./word.ts";

/** APP, CNI and CSI: a name and one source or more. */
export function readApp(input: Arguments<"APP" | "CNI" | "CSI">): AppInstruction | undefined {
  const words = listOrWords(input);
  if (words === undefined) return undefined;
  const [name, ...sources] = words;
  const form = `write ${input.kind} NAME local://PATH`;
  if (name === undefined) return missing(input, `${input.kind} needs a name and a source`, form);
  checkAppName(input, name);
  if (sources.length === 0) {
    const looksLikeSource = name.text.includes("/");
    const message = looksLikeSource
      ? `${input.kind} needs a name before the source`
      : `${input.kind} ${name.text} has no source`;
    return missing(input, message, looksLikeSource ? `write ${input.kind} NAME ${name.raw}` : form);
  }
  return { ...base(input), name, sources };
}

/** `APPCMDS NAME ["command", "argument"]`. */
export function readAppCmds(input: Arguments<"APPCMDS">): AppCmdsInstruction | undefined {
  const named = readName(input);
  const form = 'write APPCMDS NAME ["kubectl", "apply", "-f", "app.yaml"]';
  if (named === undefined) return missing(input, "APPCMDS needs the name of an application and a list", form);
  if (named.rest.text === "") return missing(input, `APPCMDS ${named.name.text} has no commands`, form);
  const argv = jsonList(input, named.rest, true);
  if (argv === "no list") {
    const words = splitWritten(named.rest, input.options.escape).map((word) => word.text);
    input.report({
      severity: "error",
      code: "unquoted-json",
      message: "APPCMDS needs a JSON list after the name",
      hint: `write APPCMDS ${named.name.raw} ${JSON.stringify(words).slice(0, 200).replaceAll('","', '", "')}`,
      span: spanOf(named.rest, 0, named.rest.text.length),
    });
    return undefined;
  }
  if (argv === undefined) return undefined;
  if (argv.every((word) => word.text.trim() === "")) {
    input.report({
      severity: "error",
      code: "empty-command",
      message: `the command of APPCMDS ${named.name.text} is empty`,
      hint: "remove the line to launch the application by its kind",
      span: spanOf(named.rest, 0, named.rest.text.length),
    });
    return undefined;
  }
  return { ...base(input), name: named.name, argv, command: joinWords(argv) };
}

/** `APPENV NAME KEY=value ...`; sealer drops an item without `=`, here it is an error. */
export function readAppEnv(input: Arguments<"APPENV">): AppEnvInstruction | undefined {
  const form = "write APPENV NAME KEY=value";
  if (input.rest.text.startsWith("[")) return readAppEnvList(input, form);
  const named = readName(input);
  if (named === undefined) return missing(input, "APPENV needs the name of an application", form);
  if (named.name.text.includes("=")) {
    return missing(input, "APPENV needs the name of an application before the variables", form);
  }
  if (named.rest.text === "") return missing(input, `APPENV ${named.name.text} sets nothing`, form);
  const pairs = readPairs(input, named.rest, false);
  return pairs === undefined ? undefined : appEnv(input, named.name, pairs);
}

function readAppEnvList(input: Arguments<"APPENV">, form: string): AppEnvInstruction | undefined {
  const words = jsonList(input, input.rest, true);
  if (words === undefined || words === "no list") return undefined;
  const [name, ...items] = words;
  if (name === undefined || items.length === 0) return missing(input, "APPENV needs a name and variables", form);
  const pairs = items.map((item) => readPair(input, item));
  return pairs.every((pair) => pair !== undefined) ? appEnv(input, name, pairs) : undefined;
}

function appEnv(input: Arguments<"APPENV">, name: Word, pairs: readonly Pair[]): AppEnvInstruction {
  for (const pair of pairs) checkVariableName(input, pair.name);
  return { ...base(input), name, pairs };
}

function readName(input: Arguments): { name: Word; rest: MappedText } | undefined {
  const written = firstWritten(input.rest, input.options.escape);
  if (written === undefined) return undefined;
  return { name: shellWord(written, input.options), rest: trim(slice(input.rest, written.text.length)) };
}

/** The name becomes a directory and a Helm release. */
function checkAppName(input: Arguments, name: Word): void {
  const hasVariables = name.parts.some((part) => part.kind === "variable");
  if (hasVariables || /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(name.text) || name.text.includes("://"))
    return;
  input.report({
    severity: "error",
    code: "invalid-name",
    message: `${quoted(name.text)} cannot be the name of an application`,
    hint: "use letters, digits, dots, dashes and underscores, with a letter or digit at both ends",
    span: name.span,
  });
}

function joinWords(words: readonly Word[]): Word {
  const separated = words.flatMap((word, index): MappedText[] => {
    const first = word.pieces[0];
    const space: MappedText[] =
      index === 0 || first === undefined ? [] : [{ text: " ", pieces: [{ ...first, offset: 0 }] }];
    return [...space, word];
  });
  const joined = concatenate(separated);
  const start = words[0]?.span.start ?? { line: 1, column: 1 };
  const end = words.at(-1)?.span.end ?? start;
  return { ...joined, raw: joined.text, parts: [{ kind: "text", text: joined.text }], span: { start, end } };
}
