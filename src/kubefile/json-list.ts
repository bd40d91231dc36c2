import { concatenate, type MappedText, type Piece, slice, spanOf } from "./mapped-text.ts";
import { unquotedWord, type Word, type WordOptions } from "./word.ts";

/** What a text that starts with `[` turned out to be. */
export type JsonList =
  | {
      readonly kind: "list";
      readonly words: readonly Word[];
      /** Offset after the bracket. */
      readonly end: number;
    }
  /** A JSON list with something else than strings in it. */
  | { readonly kind: "not-strings" }
  | { readonly kind: "not-json" };

/** Reads the JSON form of an instruction's arguments. Undefined when the text does not start with `[`. */
export function readJsonList(source: MappedText, options: WordOptions): JsonList | undefined {
  if (!source.text.startsWith("[")) return undefined;
  const words: Word[] = [];
  let offset = skipBlank(source.text, 1);
  if (source.text.charAt(offset) === "]") return { kind: "list", words, end: offset + 1 };
  for (;;) {
    const end = stringEnd(source.text, offset);
    if (end === undefined) break;
    const decoded = decode(slice(source, offset + 1, end - 1));
    if (decoded === undefined) break;
    words.push(unquotedWord(decoded, source.text.slice(offset, end), spanOf(source, offset, end), options));
    offset = skipBlank(source.text, end);
    const separator = source.text.charAt(offset);
    if (separator === "]") return { kind: "list", words, end: offset + 1 };
    if (separator !== ",") break;
    offset = skipBlank(source.text, offset + 1);
  }
  return { kind: isJsonArray(source.text) ? "not-strings" : "not-json" };
}

function skipBlank(text: string, start: number): number {
  let offset = start;
  while (/\s/.test(text.charAt(offset))) offset += 1;
  return offset;
}

/** Offset after the closing quote of the string that starts at `start`. */
function stringEnd(text: string, start: number): number | undefined {
  if (text.charAt(start) !== '"') return undefined;
  for (let offset = start + 1; offset < text.length; offset += 1) {
    const character = text.charAt(offset);
    if (character === "\\") offset += 1;
    else if (character === '"') return offset + 1;
  }
  return undefined;
}

/** The string's value, each character still knowing where it was written; undefined when it is not JSON. */
function decode(inner: MappedText): MappedText | undefined {
  const parts: MappedText[] = [];
  const escapeSequence = /\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt])/y;
  let offset = 0;
  while (offset < inner.text.length) {
    const backslash = inner.text.indexOf("\\", offset);
    const plainEnd = backslash < 0 ? inner.text.length : backslash;
    if (/[\t\n\v\f\r]/.test(inner.text.slice(offset, plainEnd))) return undefined;
    if (plainEnd > offset) parts.push(slice(inner, offset, plainEnd));
    if (backslash < 0) break;
    escapeSequence.lastIndex = backslash;
    const match = escapeSequence.exec(inner.text)?.[0];
    if (match === undefined) return undefined;
    const value: unknown = JSON.parse(`"${match}"`);
    const first = slice(inner, backslash, backslash + 1).pieces[0];
    if (typeof value !== "string" || first === undefined) return undefined;
    parts.push({ text: value, pieces: [first satisfies Piece] });
    offset = backslash + match.length;
  }
  return parts.length === 0 ? slice(inner, 0, 0) : concatenate(parts);
}

function isJsonArray(text: string): boolean {
  const end = text.lastIndexOf("]");
  try {
    return Array.isArray(JSON.parse(text.slice(0, end + 1)));
  } catch {
    return false;
  }
}
