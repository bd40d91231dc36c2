import type { Report } from "./diagnostic.ts";
import type { EscapeCharacter } from "./directives.ts";
import { concatenate, type MappedText, type Span, slice, spanOf } from "./mapped-text.ts";

export type TemplatePart = TextPart | VariablePart;

export interface TextPart {
  readonly kind: "text";
  readonly text: string;
}

/** `$NAME`, `${NAME}` or `${NAME:-argument}`. */
export interface VariablePart {
  readonly kind: "variable";
  readonly name: string;
  readonly operator?: VariableOperator;
  readonly argument: readonly TemplatePart[];
  readonly span: Span;
}

/** What stands between the name and the argument; with a colon an empty value counts as none. */
export type VariableOperator = ":-" | "-" | ":+" | "+" | ":?" | "?";

export interface Template extends MappedText {
  readonly parts: readonly TemplatePart[];
}

export interface TemplateOptions {
  readonly escape: EscapeCharacter;
  readonly report: Report;
  /** Whether quotes and escapes are read as a shell reads them; a decoded JSON string has none. */
  readonly quotes: boolean;
}

const deepestNesting = 20;

/** Reads quotes, escapes and variables the way Docker does for the arguments of COPY, ENV and their like. */
export function parseTemplate(source: MappedText, options: TemplateOptions): Template {
  const reader: Reader = { source, options, offset: 0, pieces: [], depth: 0 };
  const parts = readParts(reader, undefined);
  const kept = reader.pieces.length === 0 ? slice(source, 0, 0) : concatenate(reader.pieces);
  return { ...kept, parts };
}

interface Reader {
  readonly source: MappedText;
  readonly options: TemplateOptions;
  offset: number;
  /** What stays when quotes and escapes are gone, in order. */
  readonly pieces: MappedText[];
  depth: number;
}

/** Reads up to `stop` (not consumed) or the end. */
function readParts(reader: Reader, stop: string | undefined): readonly TemplatePart[] {
  const { source, options } = reader;
  const parts: TemplatePart[] = [];
  let text = "";
  let inDouble = false;
  let quoteStart = 0;

  const keep = (start: number, end: number): void => {
    text += source.text.slice(start, end);
    if (end > start && reader.depth === 0) reader.pieces.push(slice(source, start, end));
  };
  const flush = (): void => {
    if (text !== "") parts.push({ kind: "text", text });
    text = "";
  };

  while (reader.offset < source.text.length) {
    const start = reader.offset;
    const character = source.text.charAt(start);
    if (character === stop && !inDouble) break;
    if (character === "$") {
      const variable = readVariable(reader);
      if (variable === undefined) {
        reader.offset = start + 1;
        keep(start, reader.offset);
        continue;
      }
      flush();
      parts.push(variable);
      if (reader.depth === 0) reader.pieces.push(slice(source, start, reader.offset));
    } else if (character === options.escape) {
      const next = source.text.charAt(start + 1);
      const escapes =
        next !== "" && (next === "$" || (options.quotes && (!inDouble || `"${options.escape}`.includes(next))));
      reader.offset = start + (escapes ? 2 : 1);
      keep(escapes ? start + 1 : start, reader.offset);
    } else if (options.quotes && character === "'" && !inDouble) {
      const close = source.text.indexOf("'", start + 1);
      if (close < 0) reportOpenQuote(reader, start);
      reader.offset = close < 0 ? source.text.length : close + 1;
      keep(start + 1, close < 0 ? source.text.length : close);
    } else if (options.quotes && character === '"') {
      inDouble = !inDouble;
      quoteStart = start;
      reader.offset += 1;
    } else {
      reader.offset = plainEnd(reader, start, stop);
      keep(start, reader.offset);
    }
  }
  if (inDouble) reportOpenQuote(reader, quoteStart);
  flush();
  return parts;
}

/** Offset after the run of characters from `start` that mean nothing but themselves. */
function plainEnd({ source, options }: Reader, start: number, stop: string | undefined): number {
  let end = start + 1;
  for (; end < source.text.length; end += 1) {
    const character = source.text.charAt(end);
    if (character === "$" || character === "'" || character === '"') break;
    if (character === options.escape || character === stop) break;
  }
  return end;
}

/** Undefined when the dollar sign is only that; then nothing was consumed that matters. */
function readVariable(reader: Reader): VariablePart | undefined {
  const { source } = reader;
  const start = reader.offset;
  const head = /\$(?:\{([A-Za-z_]\w*)|([A-Za-z_]\w*))/y;
  head.lastIndex = start;
  const match = head.exec(source.text);
  const braced = match?.[1];
  const name = braced ?? match?.[2];
  if (match === null || name === undefined) {
    if (source.text.charAt(start + 1) === "{") {
      reportSubstitution(
        reader,
        start,
        start + 2,
        "`${` is not followed by a variable's name",
        "write \\${ for the text",
      );
    }
    return undefined;
  }
  reader.offset = start + match[0].length;
  if (braced === undefined) {
    return { kind: "variable", name, argument: [], span: spanOf(source, start, reader.offset) };
  }
  const operator = readOperator(source.text, reader.offset);
  const isClosed = source.text.charAt(reader.offset) === "}";
  if (operator === undefined && !isClosed) {
    const ended = reader.offset >= source.text.length;
    const problem = ended
      ? `\`\${${name}\` is never closed`
      : `\`\${${name}\` is followed by something that cannot be read`;
    const hint = ended
      ? "add the }, and quote the value when it holds spaces"
      : `only \${X}, \${X:-default}, \${X:+value} and \${X:?message} are known`;
    reportSubstitution(reader, start, reader.offset, problem, hint);
    return undefined;
  }
  if (reader.depth >= deepestNesting) {
    reportSubstitution(
      reader,
      start,
      reader.offset,
      `variables are nested more than ${deepestNesting} deep`,
      "use fewer",
    );
    return undefined;
  }
  reader.offset += operator?.length ?? 0;
  reader.depth += 1;
  const argument = operator === undefined ? [] : readParts(reader, "}");
  reader.depth -= 1;
  if (source.text.charAt(reader.offset) !== "}") {
    reportSubstitution(
      reader,
      start,
      reader.offset,
      `\`\${${name}${operator ?? ""}\` is never closed`,
      "add the }, and quote the value when it holds spaces",
    );
  }
  reader.offset = Math.min(reader.offset + 1, source.text.length);
  const span = spanOf(source, start, reader.offset);
  return { kind: "variable", name, argument, span, ...(operator === undefined ? {} : { operator }) };
}

function readOperator(text: string, offset: number): VariableOperator | undefined {
  const operators: readonly VariableOperator[] = [":-", ":+", ":?", "-", "+", "?"];
  return operators.find((operator) => text.startsWith(operator, offset));
}

function reportOpenQuote(reader: Reader, start: number): void {
  reader.options.report({
    severity: "error",
    code: "unterminated-quote",
    message: `the quote ${reader.source.text.charAt(start)} is never closed`,
    hint: `close it, or write ${reader.options.escape}${reader.source.text.charAt(start)} for the character itself`,
    span: spanOf(reader.source, start, start + 1),
  });
}

function reportSubstitution(reader: Reader, start: number, end: number, message: string, hint: string): void {
  const span = spanOf(reader.source, start, end);
  reader.options.report({ severity: "error", code: "bad-substitution", message, hint, span });
}
