import { createHash } from "node:crypto";
import { readlink } from "node:fs/promises";
import { join } from "node:path";
import type { KubefileError } from "../error.ts";
import { type Digest, finishDigest } from "../oci/digest.ts";
import { exclusionsOf } from "./exclusion.ts";
import { type HashedFile, hashFiles } from "./hash-files.ts";
import { type ModeOf, modesBy } from "./mode.ts";
import { collectProblem, throwTogether } from "./problems.ts";
import { type FoundSource, findSource, type SourceTree } from "./source-tree.ts";
import { type Named, walkNames } from "./walk.ts";

export interface SourceDigestOptions {
  readonly tree: SourceTree;
  readonly paths: readonly string[];
  /** The value of `--chmod`. */
  readonly chmod: string | undefined;
  /** Patterns of `--exclude`. */
  readonly exclude?: readonly string[] | undefined;
  /** What is known of the tree's files already, by path; what is read is added. */
  readonly hashed?: Map<string, HashedFile>;
  readonly signal?: AbortSignal | undefined;
}

export interface SourceDigest {
  readonly digest: Digest;
  /** What lies at each path of the tree that is copied, in words that differ when it does. */
  readonly entries: ReadonlyMap<string, string>;
}

/**
 * One digest over all that a copy takes from a tree: which sources there are, and the paths, types, modes as they will
 * be, contents and links of what is in them. Not times, owners, or where the tree lies.
 *
 * @throws KubefileError SOURCE_MISSING, PATH_ESCAPES, UNSUPPORTED, KUBEFILE_INVALID with all problems of the sources
 */
export async function digestOfSources(options: SourceDigestOptions): Promise<SourceDigest> {
  const { tree, paths, hashed = new Map<string, HashedFile>(), signal } = options;
  const problems: KubefileError[] = [];
  const modeOf = await collectProblem(problems, async () => modesBy(options.chmod));
  const exclusions = await collectProblem(problems, async () => exclusionsOf(options.exclude ?? []));
  const sources: FoundSource[] = [];
  for (const path of paths) {
    const found = (await collectProblem(problems, () => findSource(tree, path))) ?? [];
    for (const source of found) if (exclusions?.leavesOut(source, path) !== true) sources.push(source);
  }
  throwTogether(problems);
  const hash = createHash("sha256");
  const entries = new Map<string, string>();
  for (const source of sources) {
    const names: Named[] = [];
    const ignore = exclusions?.below(source.path, tree.ignore) ?? tree.ignore;
    if (source.type === "file") names.push(source);
    else for await (const named of walkNames(tree.root, source.path, ignore)) names.push(named);
    const unread = names.filter(({ type, path }) => type === "file" && !hashed.has(path)).map(({ path }) => path);
    for (const [path, file] of await hashFiles(tree.root, unread, signal)) hashed.set(path, file);
    hash.update(`${JSON.stringify([source.written, source.type])}\n`);
    for (const named of names) {
      const entry = await describe(tree, named, hashed, modeOf ?? (() => 0));
      entries.set(named.path, entry);
      hash.update(`${JSON.stringify([below(source.path, named.path), entry])}\n`);
    }
  }
  return { digest: finishDigest(hash), entries };
}

/** `file 644 sha256:…`, `link TARGET`, `directory`. */
async function describe(
  tree: SourceTree,
  { type, path }: Named,
  hashed: ReadonlyMap<string, HashedFile>,
  modeOf: ModeOf,
): Promise<string> {
  if (type === "link") return `link ${await readlink(join(tree.root, path))}`;
  const file = type === "file" ? hashed.get(path) : undefined;
  if (file !== undefined) return `file ${modeOf("file", file.mode).toString(8)} ${file.digest}`;
  // The copy says what is wrong with a special file.
  return type === "directory" ? `directory ${modeOf("directory", 0).toString(8)}` : type;
}

function below(top: string, path: string): string {
  return top === "" ? path : path.slice(top.length + 1);
}
