import { quoted, type Report } from "./diagnostic.ts";
import type { Flag, Pair } from "./instruction.ts";
import type { InstructionKind } from "./instruction-kinds.ts";
import { readJsonList } from "./json-list.ts";
import type { LogicalLine } from "./logical-line.ts";
import { type MappedText, type Span, slice, spanOf, trim } from "./mapped-text.ts";
import { literalWord, shellWord, splitWords, splitWritten, type Word, type WordOptions } from "./word.ts";

/** What a reader of one kind of instruction gets: the line without keyword and flags. */
export interface Arguments<Kind extends InstructionKind = InstructionKind> {
  readonly kind: Kind;
  readonly line: LogicalLine;
  readonly rest: MappedText;
  readonly flags: readonly Flag[];
  readonly keywordSpan: Span;
  readonly options: WordOptions;
  readonly report: Report;
}

/** The fields that all instructions have. */
export function base<Kind extends InstructionKind>(input: Arguments<Kind>) {
  const { kind, line, flags, keywordSpan } = input;
  const span = spanOf(line, 0, line.text.length);
  return { kind, span, keywordSpan, flags, heredocs: line.heredocs, text: line.text };
}

/**
 * A JSON list of strings, or words. Undefined after a reported problem. Text such as `[a, b]` is a list whose quotes
 * were forgotten: sealer reads it as the words `[a,` and `b]`, which nobody ever means.
 */
export function listOrWords(input: Arguments): readonly Word[] | undefined {
  const looksLikeList = input.rest.text.endsWith("]");
  const list = jsonList(input, input.rest, looksLikeList);
  return list === "no list" ? splitWords(input.rest, input.options) : list;
}

/** `"no list"` when the text is not one, or when what only resembles one may stand for itself. */
export function jsonList(
  input: Arguments,
  source: MappedText,
  mustBeList: boolean,
): readonly Word[] | "no list" | undefined {
  const list = readJsonList(source, input.options);
  if (list === undefined) return "no list";
  if (list.kind === "list") {
    const after = trim(slice(source, list.end));
    if (after.text === "") return list.words;
    if (!mustBeList) return "no list";
    input.report({
      severity: "error",
      code: "text-after-json",
      message: `${quoted(after.text)} stands after the end of the list`,
      hint: "put it into the list, or remove it",
      span: spanOf(after, 0, after.text.length),
    });
    return undefined;
  }
  if (list.kind === "not-json" && !mustBeList) return "no list";
  const wrongType = list.kind === "not-strings";
  const fault = source.text.endsWith("]") ? "each element needs double quotes" : "the closing bracket is missing";
  input.report({
    severity: "error",
    code: wrongType ? "json-not-strings" : "unquoted-json",
    message: wrongType
      ? `the list of ${input.kind} holds something else than strings`
      : `the list of ${input.kind} is not JSON: ${fault}`,
    hint: `write ${suggestion(source.text)}`,
    span: spanOf(source, 0, source.text.length),
  });
  return undefined;
}

/** `NAME=value ...`, or the old form `NAME value` where the rest of the line is the value. */
export function readPairs(input: Arguments, source: MappedText, oldForm: boolean): readonly Pair[] | undefined {
  const written = splitWritten(source, input.options.escape);
  const first = written[0];
  if (first === undefined) {
    missing(input, `${input.kind} needs NAME=value`, `write ${input.kind} NAME=value`);
    return undefined;
  }
  if (oldForm && !first.text.includes("=")) {
    const value = trim(slice(source, source.text.indexOf(first.text) + first.text.length));
    if (value.text === "") {
      missing(input, `${input.kind} ${first.text} has no value`, `write ${input.kind} ${first.text}=value`);
      return undefined;
    }
    return [{ name: shellWord(first, input.options), value: shellWord(value, input.options) }];
  }
  const pairs = written.map((item) => readPair(input, item));
  return pairs.every((pair) => pair !== undefined) ? pairs : undefined;
}

/** `NAME=value`; undefined after a reported problem. */
export function readPair(input: Arguments, written: MappedText): Pair | undefined {
  const equals = written.text.indexOf("=");
  if (equals < 0) {
    input.report({
      severity: "error",
      code: "missing-equals",
      message: `${quoted(written.text)} is not of the form NAME=value`,
      hint: 'put a value that holds spaces in quotes: NAME="a b"',
      span: spanOf(written, 0, written.text.length),
    });
    return undefined;
  }
  if (equals === 0) {
    input.report({
      severity: "error",
      code: "invalid-name",
      message: `${quoted(written.text)} has no name before the =`,
      hint: "write NAME=value, without spaces around the =",
      span: spanOf(written, 0, written.text.length),
    });
    return undefined;
  }
  return {
    name: shellWord(slice(written, 0, equals), input.options),
    value: shellWord(slice(written, equals + 1), input.options),
  };
}

/** A name that a shell can read as a variable; others reach a process but no script. */
export function checkVariableName(input: Arguments, name: Word): void {
  if (/^[A-Za-z_]\w*$/.test(name.text)) return;
  input.report({
    severity: "warning",
    code: "invalid-name",
    message: `no shell can read a variable named ${quoted(name.text)}`,
    hint: "use letters, digits and underscores, and no digit at the start",
    span: name.span,
  });
}

export function missing(input: Arguments, message: string, hint: string): undefined {
  input.report({ severity: "error", code: "missing-argument", message, hint, span: input.keywordSpan });
  return undefined;
}

export function extra(input: Arguments, word: Word, hint: string): void {
  const isComment = word.text.startsWith("#");
  input.report({
    severity: "error",
    code: "extra-argument",
    message: `${input.kind} does not take ${quoted(word.text)}`,
    hint: isComment ? "put the comment on a line of its own" : hint,
    span: word.span,
  });
}

export function wholeText(source: MappedText): Word {
  return literalWord(source);
}

/** The list as it was probably meant. */
function suggestion(text: string): string {
  const inner = text.replace(/^\[|\]\s*$/g, "");
  const separator = inner.includes(",") ? "," : /["']/.test(inner) ? /$/ : /\s+/;
  const elements = inner.split(separator).map((element) => element.trim().replace(/^['"]|['"]$/g, ""));
  const list = `[${elements
    .filter((element) => element !== "")
    .map((element) => JSON.stringify(element))
    .join(", ")}]`;
  return list.length > 100 ? '["...", "..."]' : list;
}
