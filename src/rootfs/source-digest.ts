import { createHash } from "node:crypto";
import { join } from "node:path";
import pLimit from "p-limit";
import type { KubefileError } from "../error.ts";
import { type Digest, finishDigest } from "../oci/digest.ts";
import { type ModeOf, modesBy } from "./mode.ts";
import { collectProblem, throwTogether } from "./problems.ts";
import { digestOfFile } from "./regular-file.ts";
import { type FoundSource, findSource, type SourceTree } from "./source-tree.ts";
import { type Found, look, walkTree } from "./walk.ts";

const PARALLEL_READS = 8;

/**
 * One digest over all that a copy takes from a tree: which sources there are, and the paths, types, modes as they will
 * be, contents and links of what is in them. Not times, owners, or where the tree lies.
 *
 * @throws KubefileError SOURCE_MISSING, PATH_ESCAPES, UNSUPPORTED, KUBEFILE_INVALID with all problems of the sources
 */
export async function digestOfSources(options: {
  readonly tree: SourceTree;
  readonly paths: readonly string[];
  /** The value of `--chmod`. */
  readonly chmod: string | undefined;
  readonly signal?: AbortSignal | undefined;
}): Promise<Digest> {
  const { tree, paths, signal } = options;
  const problems: KubefileError[] = [];
  const modeOf = await collectProblem(problems, async () => modesBy(options.chmod));
  const sources: FoundSource[] = [];
  for (const path of paths) sources.push(...((await collectProblem(problems, () => findSource(tree, path))) ?? []));
  throwTogether(problems);
  const limit = pLimit(PARALLEL_READS);
  const hash = createHash("sha256");
  for (const source of sources) {
    const found: Found[] = [];
    if (source.type === "file") found.push(await look(tree.root, source.path));
    else for await (const entry of walkTree(tree.root, source.path, tree.ignore)) found.push(entry);
    const lines = await Promise.all(
      found.map((entry) => limit(lineOf, entry, { tree, top: source.path, modeOf: modeOf ?? (() => 0), signal })),
    );
    hash.update(`${JSON.stringify([source.written, source.type, lines])}\n`);
  }
  return finishDigest(hash);
}

async function lineOf(
  found: Found,
  context: {
    readonly tree: SourceTree;
    readonly top: string;
    readonly modeOf: ModeOf;
    readonly signal: AbortSignal | undefined;
  },
): Promise<readonly string[]> {
  const { tree, top, modeOf, signal } = context;
  signal?.throwIfAborted();
  const path = top === "" ? found.path : found.path.slice(top.length + 1);
  const mode = Number(found.stats.mode);
  switch (found.type) {
    case "file":
      return [path, "file", modeOf("file", mode).toString(8), await digestOfFile(join(tree.root, found.path), signal)];
    case "directory":
      return [path, "directory", modeOf("directory", mode).toString(8)];
    case "link":
      return [path, "link", found.target];
    case "special":
      return [path, found.kind];
  }
}
