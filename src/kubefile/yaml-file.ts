import { readFile } from "node:fs/promises";
import { Ajv2020 } from "ajv/dist/2020.js";
import { type Document, LineCounter, parseDocument } from "yaml";
import { type ErrorCode, errorMessage, KubefileError, type Location } from "../error.ts";
import { type DescribeError, placeOf, schemaProblems, syntaxProblems, type YamlProblem } from "./yaml-problems.ts";

export interface YamlFileFormat {
  /** A JSON Schema, draft 2020-12. */
  readonly schema: URL;
  /** Of the error that lists the problems. */
  readonly code: ErrorCode;
  readonly longest: { readonly characters: number; readonly hint: string };
  /** The hint when there are several problems. */
  readonly page: string;
  readonly describe: DescribeError;
}

export interface YamlFile<T> {
  readonly value: T;
  /** Where a value stands, by the keys and positions that lead to it. */
  readonly placeOf: (path: readonly (string | number)[]) => { readonly line: number; readonly column: number };
}

/**
 * Reads a YAML file that a user wrote, by a schema; an empty one is an empty object. `file` is what messages call it.
 *
 * @throws KubefileError of the format's code, listing every problem with its place
 */
export async function parseYamlFile<T>(text: string, file: string, format: YamlFileFormat): Promise<YamlFile<T>> {
  const { characters, hint } = format.longest;
  if (text.length > characters) {
    throw new KubefileError(format.code, `${file} is longer than ${characters} characters`, { hint });
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: "1.2" });
  const syntax = syntaxProblems(document, lines);
  if (syntax.length > 0) throw yamlFileError(file, format, syntax);
  const value = readValue(document, file, format);
  const validate = await loadSchema<T>(format.schema);
  if (validate(value)) return { value, placeOf: (path) => placeOf(document, lines, path) };
  throw yamlFileError(file, format, schemaProblems(validate.errors ?? [], document, lines, format.describe));
}

/** One problem at its place, or all of them in the order of their places. */
export function yamlFileError(
  file: string,
  { code, page }: Pick<YamlFileFormat, "code" | "page">,
  problems: readonly YamlProblem[],
): KubefileError {
  const sorted = [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
  const [first] = sorted;
  const where: Location = { file, line: first?.line ?? 1, column: first?.column ?? 1 };
  if (first !== undefined && sorted.length === 1) {
    return new KubefileError(code, first.message, { hint: first.hint, where });
  }
  const list = sorted.map(({ line, column, message, hint }) => `\n${file}:${line}:${column}: ${message} (${hint})`);
  return new KubefileError(code, `${sorted.length} problems:${list.join("")}`, { hint: page, where });
}

function readValue(document: Document.Parsed, file: string, format: YamlFileFormat): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 }) ?? {};
  } catch (error) {
    throw yamlFileError(file, format, [
      { line: 1, column: 1, message: errorMessage(error), hint: "write aliases out" },
    ]);
  }
}

async function loadSchema<T>(schema: URL) {
  const text = await readFile(schema, "utf8");
  // Whether our own schema is one, a test tells: to look costs more than to read a file by it.
  const options = { meta: false, validateSchema: false };
  return new Ajv2020({ strict: true, allErrors: true, verbose: true, ...options }).compile<T>(JSON.parse(text));
}
