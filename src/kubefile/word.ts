import type { Report } from "./diagnostic.ts";
import type { EscapeCharacter } from "./directives.ts";
import { type MappedText, type Span, slice, spanOf } from "./mapped-text.ts";
import { parseTemplate, type TemplatePart } from "./template.ts";

/** One argument of an instruction. */
export interface Word extends MappedText {
  /** Without quotes and escapes; variables stand as they were written. */
  readonly text: string;
  /** As it was written. */
  readonly raw: string;
  /** What `expandWord` puts together. A word without variables is one text part. */
  readonly parts: readonly TemplatePart[];
  readonly span: Span;
}

export interface WordOptions {
  readonly escape: EscapeCharacter;
  readonly report: Report;
}

const blank = /[\t\v\f\r\n ]/;

/** Splits at white space outside of quotes; quotes and escapes are kept. */
export function splitWritten(line: MappedText, escapeCharacter: EscapeCharacter): readonly MappedText[] {
  const words: MappedText[] = [];
  let offset = 0;
  while (offset < line.text.length) {
    if (blank.test(line.text.charAt(offset))) {
      offset += 1;
      continue;
    }
    const end = wordEnd(line.text, offset, escapeCharacter);
    words.push(slice(line, offset, end));
    offset = end;
  }
  return words;
}

/** The first of them; undefined when there is none. */
export function firstWritten(line: MappedText, escapeCharacter: EscapeCharacter): MappedText | undefined {
  const start = line.text.search(/[^\t\v\f\r\n ]/);
  return start < 0 ? undefined : slice(line, start, wordEnd(line.text, start, escapeCharacter));
}

export function splitWords(line: MappedText, options: WordOptions): readonly Word[] {
  return splitWritten(line, options.escape).map((written) => shellWord(written, options));
}

/** A word with quotes, escapes and variables. */
export function shellWord(written: MappedText, options: WordOptions): Word {
  const template = parseTemplate(written, { ...options, quotes: true });
  return { ...template, raw: written.text, span: spanOf(written, 0, written.text.length) };
}

/** A word whose quotes mean nothing any more, such as the decoded string of a JSON list. */
export function unquotedWord(decoded: MappedText, raw: string, span: Span, options: WordOptions): Word {
  const template = parseTemplate(decoded, { ...options, quotes: false });
  return { ...template, raw, span };
}

/** Text that is left alone: a command line that a shell will read, a maintainer's name. */
export function literalWord(written: MappedText): Word {
  return {
    text: written.text,
    pieces: written.pieces,
    raw: written.text,
    parts: [{ kind: "text", text: written.text }],
    span: spanOf(written, 0, written.text.length),
  };
}

/** Offset after the word that starts at `start`. An unclosed quote ends with the text. */
function wordEnd(text: string, start: number, escapeCharacter: EscapeCharacter): number {
  let quote = "";
  let offset = start;
  for (; offset < text.length; offset += 1) {
    const character = text.charAt(offset);
    if (character === escapeCharacter && quote !== "'") offset += 1;
    else if (quote !== "") quote = character === quote ? "" : quote;
    else if (character === '"' || character === "'") quote = character;
    else if (blank.test(character)) break;
  }
  return Math.min(offset, text.length);
}
