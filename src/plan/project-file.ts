import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { LineCounter, parseDocument } from "yaml";
import { errorMessage, KubefileError, type Location } from "../error.ts";
import { type ProjectFileProblem, schemaProblems, syntaxProblems } from "./project-file-problems.ts";

/** What `kubefile.yaml` may say: defaults for the flags of `kubefile build`, described in schemas/kubefile.schema.json. */
export interface ProjectFile {
  readonly file?: string;
  readonly tag?: readonly string[];
  readonly push?: boolean;
  readonly output?: readonly string[];
  readonly buildArg?: Readonly<Record<string, string>>;
  readonly capture?: "cluster" | "static";
  readonly wait?: "ready" | "pulled";
  /** `20s`, `1m30s`. */
  readonly quietWindow?: string;
  readonly timeout?: string;
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly launchNetwork?: boolean;
  readonly nodeImage?: string;
  readonly kindConfig?: string;
  readonly defaultCni?: boolean;
  readonly run?: "container" | "host";
  readonly runImage?: string;
  readonly mirror?: Readonly<Record<string, string>>;
  readonly insecure?: readonly string[];
  readonly progress?: "auto" | "tty" | "plain" | "json";
}

/** Characters; a project file has a few dozen lines. */
const longestFile = 256 * 1024;

/**
 * Reads a project file. Undefined when there is none.
 *
 * @throws KubefileError PROJECT_FILE_INVALID listing every problem with its place
 */
export async function loadProjectFile(path: string): Promise<ProjectFile | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new KubefileError("PROJECT_FILE_INVALID", `${basename(path)} cannot be read: ${errorMessage(error)}`, {
      hint: "make it a readable file, or remove it",
      cause: error,
    });
  }
  return await parseProjectFile(text, basename(path));
}

/**
 * Reads a project file's text; `file` is what messages call it. An empty file says nothing.
 *
 * @throws KubefileError PROJECT_FILE_INVALID listing every problem with its place
 */
export async function parseProjectFile(text: string, file: string): Promise<ProjectFile> {
  if (text.length > longestFile) {
    throw new KubefileError("PROJECT_FILE_INVALID", `${file} is longer than ${longestFile} characters`, {
      hint: "it holds defaults for flags only",
    });
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: "1.2" });
  const syntax = syntaxProblems(document, lines);
  if (syntax.length > 0) throw invalid(file, syntax);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 }) ?? {};
  } catch (error) {
    throw invalid(file, [{ line: 1, column: 1, message: errorMessage(error), hint: "write aliases out" }]);
  }
  const validate = await loadSchema();
  if (validate(value)) return value;
  throw invalid(file, schemaProblems(validate.errors ?? [], document, lines));
}

async function loadSchema() {
  const schema = await readFile(new URL("../../schemas/kubefile.schema.json", import.meta.url), "utf8");
  return new Ajv2020({ strict: true, allErrors: true, verbose: true }).compile<ProjectFile>(JSON.parse(schema));
}

function invalid(file: string, problems: readonly ProjectFileProblem[]): KubefileError {
  const sorted = [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
  const [first] = sorted;
  const where: Location = { file, line: first?.line ?? 1, column: first?.column ?? 1 };
  if (first !== undefined && sorted.length === 1) {
    return new KubefileError("PROJECT_FILE_INVALID", first.message, { hint: first.hint, where });
  }
  const list = sorted.map(({ line, column, message, hint }) => `\n${file}:${line}:${column}: ${message} (${hint})`);
  return new KubefileError("PROJECT_FILE_INVALID", `${sorted.length} problems:${list.join("")}`, {
    hint: "docs/kubefile-yaml.md describes every key",
    where,
  });
}
