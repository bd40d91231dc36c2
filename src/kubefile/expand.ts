import type { EscapeCharacter } from "./directives.ts";
import type { Span } from "./mapped-text.ts";
import { parseTemplate, type TemplatePart } from "./template.ts";
import type { Word } from "./word.ts";

/** Gives a variable's value; undefined when there is none of that name. */
export type Lookup = (name: string) => string | undefined;

export interface UnknownVariable {
  readonly name: string;
  readonly span: Span;
}

export interface Expansion {
  readonly text: string;
  /** Variables that had no value where one was needed; each stands for nothing in the text. */
  readonly unknown: readonly UnknownVariable[];
}

/** The value of an argument: quotes and escapes are gone already, variables are replaced now. */
export function expandWord(word: Word, lookup: Lookup): Expansion {
  const unknown: UnknownVariable[] = [];
  return { text: expandParts(word.parts, lookup, unknown), unknown };
}

/**
 * Expands `$X`, `${X}`, `${X:-d}`, `${X-d}`, `${X:+a}`, `${X+a}`, `${X:?m}` and `${X?m}` in text that is in no Kubefile.
 * Quotes and escapes are read as a shell reads them; a substitution that cannot be read stays as it is. Positions count
 * from line 1, column 1 of the text. For a word of a Kubefile use `expandWord`, which knows what was quoted.
 */
export function expandVariables(text: string, lookup: Lookup, escapeCharacter: EscapeCharacter = "\\"): Expansion {
  const source = { text, pieces: [{ offset: 0, line: 1, column: 1 }] };
  const template = parseTemplate(source, { escape: escapeCharacter, quotes: true, report: () => undefined });
  const unknown: UnknownVariable[] = [];
  return { text: expandParts(template.parts, lookup, unknown), unknown };
}

/** Replaces variables in the content of a here-document: quotes are text there, and only `\\$` is an escape. */
export function expandText(text: string, lookup: Lookup, escapeCharacter: EscapeCharacter = "\\"): string {
  const source = { text, pieces: [{ offset: 0, line: 1, column: 1 }] };
  const template = parseTemplate(source, { escape: escapeCharacter, quotes: false, report: () => undefined });
  return expandParts(template.parts, lookup, []);
}

/**
 * Replaces `$(NAME)` in a launch command by the value of a declared ENV, as files written for sealos expect. Names that
 * are not declared stay: to the shell they are command substitutions.
 */
export function expandCommandVariables(command: string, lookup: Lookup): string {
  return command.replace(/\$\(([A-Za-z_]\w*)\)/g, (written, name: string) => lookup(name) ?? written);
}

/** Every variable that a word mentions, arguments of operators included, with whether it may be unset. */
export function variablesOf(
  parts: readonly TemplatePart[],
): readonly (UnknownVariable & { readonly optional: boolean })[] {
  return parts.flatMap((part) => {
    if (part.kind === "text") return [];
    const optional = part.operator !== undefined && !part.operator.endsWith("?");
    return [{ name: part.name, span: part.span, optional }, ...variablesOf(part.argument)];
  });
}

function expandParts(parts: readonly TemplatePart[], lookup: Lookup, unknown: UnknownVariable[]): string {
  return parts.map((part) => (part.kind === "text" ? part.text : expandVariable(part, lookup, unknown))).join("");
}

function expandVariable(
  part: Extract<TemplatePart, { kind: "variable" }>,
  lookup: Lookup,
  unknown: UnknownVariable[],
): string {
  const value = lookup(part.name);
  const isSet = value !== undefined && !(value === "" && part.operator?.startsWith(":"));
  switch (part.operator) {
    case ":-":
    case "-":
      return isSet ? value : expandParts(part.argument, lookup, unknown);
    case ":+":
    case "+":
      return isSet ? expandParts(part.argument, lookup, unknown) : "";
    default:
      if (!isSet) unknown.push({ name: part.name, span: part.span });
      return value ?? "";
  }
}
