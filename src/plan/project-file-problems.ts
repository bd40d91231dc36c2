import type { ErrorObject } from "ajv/dist/2020.js";
import { type Document, isMap, isNode, isScalar, type LineCounter } from "yaml";
import { quoted } from "../kubefile/diagnostic.ts";
import { didYouMean, nearest } from "../kubefile/nearest.ts";

export interface ProjectFileProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly hint: string;
}

/** What is wrong with the YAML itself. */
export function syntaxProblems(document: Document.Parsed, lines: LineCounter): readonly ProjectFileProblem[] {
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
): readonly ProjectFileProblem[] {
  // `propertyNames` repeats what its own keyword says about the same key.
  return errors
    .filter(({ keyword }) => keyword !== "propertyNames")
    .map((error) => {
      const path = pathOf(error.instancePath);
      const key = keyOf(error);
      const offset = key === undefined ? valueOffset(document, path) : keyOffset(document, path, key);
      return { ...place(lines, offset), ...describe(error, shownPath(path), key) };
    });
}

/** Name of the key that an error is about when it is not about a value. */
function keyOf(error: ErrorObject): string | undefined {
  if (error.propertyName !== undefined) return error.propertyName;
  const unknown: unknown = error.params.additionalProperty;
  return typeof unknown === "string" ? unknown : undefined;
}

function describe(error: ErrorObject, name: string, key: string | undefined): { message: string; hint: string } {
  const shown = name === "" ? "the file" : name;
  const value = shownValue(error.data);
  switch (error.keyword) {
    case "additionalProperties":
      return {
        message: `${name === "" ? "there is no key" : `${name} has no key`} ${quoted(key ?? "")}`,
        hint: didYouMean(nearest(key ?? "", keysOf(error.parentSchema))) ?? "docs/kubefile-yaml.md lists all keys",
      };
    case "enum": {
      const allowed = Array.isArray(error.schema) ? error.schema.map(String) : [];
      const text = typeof error.data === "string" ? error.data : "";
      return {
        message: `${shown} cannot be ${value}`,
        hint: didYouMean(nearest(text, allowed)) ?? `write ${allowed.join(" or ")}`,
      };
    }
    case "type":
      return { message: `${shown} must be ${typeName(error.schema)}, not ${value}`, hint: typeHint(error, name) };
    case "minLength":
      return { message: `${shown} is empty`, hint: "give it a value, or remove it" };
    case "pattern":
      return key === undefined
        ? { message: `${shown} cannot be ${value}`, hint: patternHint(name) }
        : { message: `${quoted(key)} is not the name of a variable`, hint: "use letters, digits and underscores" };
    default:
      return { message: `${shown} ${error.message ?? "is not valid"}`, hint: "docs/kubefile-yaml.md describes it" };
  }
}

function shownValue(data: unknown): string {
  if (typeof data === "string") return quoted(data);
  const text = JSON.stringify(data) ?? "nothing";
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** `mirror.docker.io`, `tag[0]`. */
function shownPath(path: readonly string[]): string {
  const parts = path.map((part) =>
    /^\d+$/.test(part) ? `[${part}]` : /^[\w.:-]+$/.test(part) ? `.${part}` : `[${quoted(part)}]`,
  );
  return parts.join("").replace(/^\./, "");
}

const typeNames: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  object: "a map of names to values",
  string: "text",
};

function typeName(schema: unknown): string {
  return typeof schema === "string" ? (typeNames[schema] ?? schema) : "something else";
}

function typeHint(error: ErrorObject, name: string): string {
  const isPlain = ["string", "number", "boolean"].includes(typeof error.data);
  if (error.schema === "string" && isPlain) return `put it in quotes: "${String(error.data)}"`;
  if (error.schema === "array" && isPlain) return `write ${name}: [${JSON.stringify(error.data)}]`;
  if (error.schema === "object" && name !== "") return `write NAME: VALUE on lines of their own below ${name}:`;
  if (error.schema === "object") return "write KEY: VALUE, one a line";
  return error.schema === "boolean" ? "write true or false, without quotes" : "docs/kubefile-yaml.md describes it";
}

function patternHint(name: string): string {
  if (name.startsWith("output")) return "write type=oci,dest=FILE";
  if (name.startsWith("mirror")) return "write an address that starts with https:// or http://";
  return "write a time such as 20s, 10m or 1h30m";
}

function keysOf(schema: unknown): readonly string[] {
  if (typeof schema !== "object" || schema === null || !("properties" in schema)) return [];
  return Object.keys(schema.properties ?? {});
}

/** A JSON pointer's keys. */
function pathOf(pointer: string): readonly string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function valueOffset(document: Document.Parsed, path: readonly string[]): number {
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
