import type { ErrorObject } from "ajv/dist/2020.js";
import { type Document, isMap, isNode, isScalar, type LineCounter } from "yaml";
import { quoted } from "./diagnostic.ts";

/** Something wrong in a YAML file that a user wrote. Lines and columns count from 1. */
export interface YamlProblem extends Advice {
  readonly line: number;
  readonly column: number;
}

export interface Advice {
  readonly message: string;
  readonly hint: string;
}

/**
 * Puts into words what a schema says.
 *
 * @param name the value's place as a user would write it, `mirror.docker.io`, `tag[0]`; empty for the whole file
 * @param key the key that the error is about, when it is not about a value
 * @param source a plain value as it was written: `1.20` is the number 1.2
 */
export type DescribeError = (
  error: ErrorObject,
  name: string,
  key: string | undefined,
  source: string | undefined,
) => Advice;

/** What is wrong with the YAML itself. */
export function syntaxProblems(document: Document.Parsed, lines: LineCounter): readonly YamlProblem[] {
  return document.errors.map(({ message, pos, code }) => ({
    ...place(lines, pos[0]),
    ...syntaxProblem(code, message),
  }));
}

function syntaxProblem(code: string, message: string): { message: string; hint: string } {
  switch (code) {
    case "DUPLICATE_KEY":
      return { message: "the key is there already", hint: "keep one of the two" };
    case "MULTIPLE_DOCS":
      return { message: "a second document begins here", hint: "keep one, and remove the ---" };
    default:
      return {
        message: `not YAML: ${message.split("\n")[0]?.replace(/[.:]$/, "") ?? ""}`,
        hint: "check the indentation and the quotes",
      };
  }
}

/** What the schema says about the value, each at the key or value it is about. */
export function schemaProblems(
  errors: readonly ErrorObject[],
  document: Document.Parsed,
  lines: LineCounter,
  describe: DescribeError,
): readonly YamlProblem[] {
  // `propertyNames` repeats what its own keyword says about the same key.
  return errors
    .filter(({ keyword }) => keyword !== "propertyNames")
    .map((error) => {
      const path = pathOf(error.instancePath);
      const key = keyOf(error);
      const offset = key === undefined ? valueOffset(document, path) : keyOffset(document, path, key);
      const node = document.getIn(path, true);
      const source = isScalar(node) ? node.source : undefined;
      return { ...place(lines, offset), ...describe(error, shownPath(path), key, source) };
    });
}

/** Where a value stands, by the keys and positions that lead to it. */
export function placeOf(
  document: Document.Parsed,
  lines: LineCounter,
  path: readonly (string | number)[],
): { readonly line: number; readonly column: number } {
  return place(lines, valueOffset(document, path));
}

/** Name of the key that an error is about when it is not about a value. */
function keyOf(error: ErrorObject): string | undefined {
  if (error.propertyName !== undefined) return error.propertyName;
  const unknown: unknown = error.params.additionalProperty;
  return typeof unknown === "string" ? unknown : undefined;
}

/** A value inside a message, on one line. */
export function shownValue(data: unknown): string {
  if (typeof data === "string") return quoted(data);
  const text = JSON.stringify(data) ?? "nothing";
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** The keys that a schema's object may have. */
export function keysOf(schema: unknown): readonly string[] {
  if (typeof schema !== "object" || schema === null || !("properties" in schema)) return [];
  return Object.keys(schema.properties ?? {});
}

/** `mirror.docker.io`, `tag[0]`. */
function shownPath(path: readonly string[]): string {
  const parts = path.map((part) =>
    /^\d+$/.test(part) ? `[${part}]` : /^[\w.:-]+$/.test(part) ? `.${part}` : `[${quoted(part)}]`,
  );
  return parts.join("").replace(/^\./, "");
}

/** A JSON pointer's keys. */
function pathOf(pointer: string): readonly string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function valueOffset(document: Document.Parsed, path: readonly (string | number)[]): number {
  const node = path.length === 0 ? document.contents : document.getIn(path, true);
  return isNode(node) ? (node.range?.[0] ?? 0) : 0;
}

function keyOffset(document: Document.Parsed, path: readonly string[], key: string): number {
  const map = path.length === 0 ? document.contents : document.getIn(path, true);
  if (!isMap(map)) return valueOffset(document, path);
  const pair = map.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
  return isNode(pair?.key) ? (pair.key.range?.[0] ?? 0) : valueOffset(document, path);
}

function place(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}
