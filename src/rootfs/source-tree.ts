import { readdir } from "node:fs/promises";
import { join, posix } from "node:path";
import { KubefileError } from "../error.ts";
import { rootfsPath } from "../kubefile/copy-rule.ts";
import { type IgnoreRules, ignoredHint, nothingIgnored } from "../kubefile/ignore-file.ts";
import { didYouMean, nearestPath } from "../kubefile/nearest.ts";
import { hasWildcard, matcherOf } from "../kubefile/wildcard.ts";
import { compareBytes } from "./byte-order.ts";
import { climbsOut, isAbsent, resolveInside } from "./contained-path.ts";
import { look, walkTree } from "./walk.ts";

/** A directory that files are copied from: the build context, the rootfs of a stage, a repository. */
export interface SourceTree {
  /** Absolute path. */
  readonly root: string;
  /** What messages call it: `context`. */
  readonly name: string;
  /** What is left out of it. */
  readonly ignore?: IgnoreRules;
}

/** A file or directory of a tree that a COPY or ADD names. */
export interface FoundSource {
  /** As written; for a wildcard the match, with a slash at the end when the pattern has one. */
  readonly written: string;
  /** Where it really is, relative to the tree, links followed; `""` for the tree itself. */
  readonly path: string;
  readonly type: "file" | "directory";
}

/** As many paths of a tree as are searched for one that a misspelt name may have meant. */
const MAX_CANDIDATES = 20_000;

/**
 * The files and directories that one written source names. A leading slash means the tree; links are followed within
 * it. What is ignored counts as not there.
 *
 * @throws KubefileError SOURCE_MISSING with the nearest name there is, PATH_ESCAPES, UNSUPPORTED for URLs and special
 * files, KUBEFILE_INVALID for a malformed wildcard
 */
export async function findSource(tree: SourceTree, written: string): Promise<FoundSource[]> {
  const shown = JSON.stringify(written);
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(written)) {
    throw new KubefileError(
      "UNSUPPORTED",
      `the source ${shown} is a URL; only files of the ${tree.name} can be copied`,
      {
        hint: "fetch it in a RUN step: RUN curl -fsSLo FILE URL",
      },
    );
  }
  if (climbsOut(written)) {
    throw new KubefileError("PATH_ESCAPES", `the source ${shown} is outside the ${tree.name}`, {
      hint:
        tree.name === "context"
          ? "copy the file into the context, or build with a context further up"
          : `write it relative to the root of the ${tree.name}`,
    });
  }
  if (!hasWildcard(written)) {
    const source = await inspect(tree, written);
    if (source !== undefined) return [source];
    throw new KubefileError("SOURCE_MISSING", `the source ${shown} is not in the ${tree.name}`, {
      hint:
        (await exclusionHint(tree, [written])) ??
        didYouMean(nearestPath(rootfsPath(written), await pathsOf(tree))) ??
        (tree.name === "context"
          ? "paths are relative to the context directory"
          : `paths are relative to the root of the ${tree.name}`),
    });
  }
  const matched = await expand(tree, written);
  const sources = (await Promise.all(matched.map((path) => inspect(tree, path)))).filter(
    (source) => source !== undefined,
  );
  if (sources.length > 0) return sources;
  throw new KubefileError("SOURCE_MISSING", `no file of the ${tree.name} matches ${shown}`, {
    hint: (await exclusionHint(tree, matched)) ?? "* and ? match within one directory; there is no ** here",
  });
}

async function inspect(tree: SourceTree, written: string): Promise<FoundSource | undefined> {
  const { root, name, ignore = nothingIgnored } = tree;
  // Asked before links are followed: a link that is ignored may lead anywhere.
  if (!(await isKept(root, rootfsPath(written), ignore))) return undefined;
  const path = await resolveInside(root, written, name);
  try {
    if (!(await isKept(root, path, ignore))) return undefined;
    const found = path === "" ? ({ type: "directory" } as const) : await look(root, path);
    if (found.type === "file" && written.endsWith("/")) return undefined;
    if (found.type === "file" || found.type === "directory") return { written, path, type: found.type };
    const kind = found.type === "special" ? found.kind : "link";
    throw new KubefileError(
      "UNSUPPORTED",
      `the source ${JSON.stringify(written)} is a ${kind}, which cannot be copied`,
    );
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** Whether a path is not ignored, or is a directory with something in it that is not. */
async function isKept(root: string, path: string, ignore: IgnoreRules): Promise<boolean> {
  if (ignore.ignoredBy(path) === undefined) return true;
  if (!ignore.mayReincludeBelow(path)) return false;
  try {
    if ((await look(root, path)).type !== "directory") return false;
    for await (const _ of walkTree(root, path, ignore)) return true;
    return false;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

/** For sources that would be there if they were not ignored. */
async function exclusionHint(tree: SourceTree, sources: readonly string[]): Promise<string | undefined> {
  const { root, name, ignore } = tree;
  if (ignore === undefined) return undefined;
  for (const source of sources) {
    if ((await inspect({ root, name }, source)) === undefined) continue;
    for (const path of [rootfsPath(source), await resolveInside(root, source, name)]) {
      const rule = ignore.ignoredBy(path);
      if (rule !== undefined) return ignoredHint(rule, path);
    }
  }
  return undefined;
}

/** The paths that fit a pattern, in byte order. */
async function expand(tree: SourceTree, pattern: string): Promise<string[]> {
  const components = posix
    .normalize(`./${pattern}`)
    .split("/")
    .filter((component) => component !== "");
  let paths = [""];
  for (const component of components) {
    if (!hasWildcard(component)) {
      paths = paths.map((path) => posix.join(path, component));
      continue;
    }
    const matches = matcherOf(component);
    if (matches === undefined) {
      throw new KubefileError("KUBEFILE_INVALID", `the source ${JSON.stringify(pattern)} is a malformed wildcard`, {
        hint: "close every [ with ], or write a backslash before it",
      });
    }
    const perDirectory = await Promise.all(paths.map((path) => namesIn(tree, path)));
    paths = paths.flatMap((path, index) =>
      (perDirectory[index] ?? []).filter(matches).map((name) => posix.join(path, name)),
    );
  }
  const suffix = pattern.endsWith("/") ? "/" : "";
  return paths.sort(compareBytes).map((path) => path + suffix);
}

async function namesIn({ root, name }: SourceTree, directory: string): Promise<string[]> {
  try {
    return await readdir(join(root, await resolveInside(root, directory, name)));
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

async function pathsOf({ root, ignore }: SourceTree): Promise<string[]> {
  const paths: string[] = [];
  try {
    for await (const { path } of walkTree(root, "", ignore)) {
      paths.push(path);
      if (paths.length >= MAX_CANDIDATES) break;
    }
  } catch {
    // A hint is made from what could be read.
  }
  return paths;
}
