import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { errorMessage, KubefileError } from "../error.ts";
import { parseYamlFile } from "../kubefile/yaml-file.ts";
import { describeProjectFileError } from "./project-file-problems.ts";
import type { PullPolicy } from "./rehearsal-decision.ts";

/** What `kubefile.yaml` may say: defaults for the flags of `kubefile build`, described in schemas/kubefile.schema.json. */
export interface ProjectFile {
  readonly file?: string;
  readonly tag?: readonly string[];
  readonly push?: boolean;
  readonly output?: readonly string[];
  readonly platform?: readonly string[];
  readonly buildArg?: Readonly<Record<string, string>>;
  readonly label?: Readonly<Record<string, string>>;
  readonly annotation?: Readonly<Record<string, string>>;
  readonly buildImage?: readonly string[];
  readonly builder?: "buildkit" | "kaniko";
  readonly kanikoImage?: string;
  readonly baseRegistry?: string;
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
  readonly lock?: boolean;
  readonly locked?: boolean;
  readonly runImage?: string;
  readonly cacheFrom?: readonly string[];
  readonly cacheTo?: readonly string[];
  readonly pull?: PullPolicy;
  readonly noCache?: boolean;
  readonly noCacheFilter?: readonly string[];
  readonly mirror?: Readonly<Record<string, string>>;
  readonly insecure?: readonly string[];
  readonly progress?: "auto" | "tty" | "plain" | "json";
}

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
  const { value } = await parseYamlFile<ProjectFile>(text, file, {
    schema: new URL("../../schemas/kubefile.schema.json", import.meta.url),
    code: "PROJECT_FILE_INVALID",
    longest: { characters: 256 * 1024, hint: "it holds defaults for flags only" },
    page: "docs/kubefile-yaml.md describes every key",
    describe: describeProjectFileError,
  });
  return value;
}
