import { type Document, isCollection, isNode, LineCounter, parseDocument } from "yaml";

/** One document of a YAML or JSON file, its values read and their places known. */
export interface YamlDocument {
  readonly value: unknown;
  /** Line and column of the node at a path, or of the nearest node above it. */
  locate(path: readonly (string | number)[]): { readonly line: number; readonly column: number };
}

/** A part of a file that could not be read as YAML; templates are such. */
export interface UnreadableText {
  readonly text: string;
  /** Of its first line in the file, from 1. */
  readonly line: number;
}

const MAX_DOCUMENTS = 5_000;
const MAX_ALIASES = 100;

/**
 * Splits a file at its `---` lines as kubectl does, and reads each document by itself, so that one that cannot be read
 * hides no other. Hostile text is harmless: aliases are counted, and nesting that overflows the parser is unreadable.
 */
export function readDocuments(
  text: string,
  isWanted: (part: string) => boolean,
): { readonly documents: readonly YamlDocument[]; readonly unreadable: readonly UnreadableText[] } {
  const documents: YamlDocument[] = [];
  const unreadable: UnreadableText[] = [];
  let line = 1;
  for (const part of text.split(/^(?=---(?:\s|$))/m).slice(0, MAX_DOCUMENTS)) {
    if (isWanted(part)) {
      const read = readDocument(part, line);
      if ("value" in read) documents.push(read);
      else unreadable.push(read);
    }
    line += part.split("\n").length - 1;
  }
  return { documents, unreadable };
}

function readDocument(text: string, firstLine: number): YamlDocument | UnreadableText {
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      merge: true,
      uniqueKeys: false,
      logLevel: "silent",
      stringKeys: true,
    });
    if (document.errors.length > 0) return { text, line: firstLine };
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    return { value, locate: (path) => locate(document, lines, path, firstLine) };
  } catch {
    // Too many aliases, or nesting deeper than the stack.
    return { text, line: firstLine };
  }
}

function locate(
  document: Document,
  lines: LineCounter,
  path: readonly (string | number)[],
  firstLine: number,
): { line: number; column: number } {
  for (let length = path.length; length >= 0; length -= 1) {
    const node = length === 0 ? document.contents : nodeAt(document.contents, path.slice(0, length));
    if (!isNode(node) || !node.range) continue;
    const { line, col } = lines.linePos(node.range[0]);
    return { line: line + firstLine - 1, column: col };
  }
  return { line: firstLine, column: 1 };
}

function nodeAt(root: unknown, path: readonly (string | number)[]): unknown {
  return isCollection(root) ? root.getIn(path, true) : undefined;
}
