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

/** A file or directory of the context that a COPY or ADD names. */
export interface ContextSource {
  /** As written; for a wildcard the match, with a slash at the end when the pattern has one. */
  readonly written: string;
  /** Where it really is, relative to the context, links followed; `""` for the context itself. */
  readonly path: string;
  readonly type: "file" | "directory";
}

/** As many paths of a context as are searched for one that a misspelt name may have meant. */
const MAX_CANDIDATES = 20_000;

/**
 * The files and directories that one written source names. A leading slash means the context; links are followed
 * within it. What is ignored counts as not there.
 *
 * @throws KubefileError SOURCE_MISSING with the nearest name there is, PATH_ESCAPES, UNSUPPORTED for URLs and special
 * files, KUBEFILE_INVALID for a malformed wildcard
 */
export async function findSource(
  context: string,
  written: string,
  ignore: IgnoreRules = nothingIgnored,
): Promise<ContextSource[]> {
  const shown = JSON.stringify(written);
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(written)) {
    throw new KubefileError("UNSUPPORTED", `the source ${shown} is a URL; only files of the context can be copied`, {
      hint: "fetch it in a RUN step: RUN curl -fsSLo FILE URL",
    });
  }
  if (climbsOut(written)) {
    throw new KubefileError("PATH_ESCAPES", `the source ${shown} is outside the context`, {
      hint: "copy the file into the context, or build with a context further up",
    });
  }
  if (!hasWildcard(written)) {
    const source = await inspect(context, written, ignore);
    if (source !== undefined) return [source];
    throw new KubefileError("SOURCE_MISSING", `the source ${shown} is not in the context`, {
      hint:
        (await exclusionHint(context, [written], ignore)) ??
        didYouMean(nearestPath(rootfsPath(written), await pathsOf(context, ignore))) ??
        "paths are relative to the context directory",
    });
  }
  const matched = await expand(context, written);
  const sources = (await Promise.all(matched.map((path) => inspect(context, path, ignore)))).filter(
    (source) => source !== undefined,
  );
  if (sources.length > 0) return sources;
  throw new KubefileError("SOURCE_MISSING", `no file of the context matches ${shown}`, {
    hint: (await exclusionHint(context, matched, ignore)) ?? "* and ? match within one directory; there is no ** here",
  });
}

async function inspect(context: string, written: string, ignore: IgnoreRules): Promise<ContextSource | undefined> {
  // Asked before links are followed: a link that is ignored may lead anywhere.
  if (!(await isKept(context, rootfsPath(written), ignore))) return undefined;
  const path = await resolveInside(context, written, "context");
  try {
    if (!(await isKept(context, path, ignore))) return undefined;
    const found = path === "" ? ({ type: "directory" } as const) : await look(context, path);
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
async function isKept(context: string, path: string, ignore: IgnoreRules): Promise<boolean> {
  if (ignore.ignoredBy(path) === undefined) return true;
  if (!ignore.mayReincludeBelow(path)) return false;
  try {
    if ((await look(context, path)).type !== "directory") return false;
    for await (const _ of walkTree(context, path, ignore)) return true;
    return false;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

/** For sources that would be there if they were not ignored. */
async function exclusionHint(
  context: string,
  sources: readonly string[],
  ignore: IgnoreRules,
): Promise<string | undefined> {
  for (const source of sources) {
    if ((await inspect(context, source, nothingIgnored)) === undefined) continue;
    for (const path of [rootfsPath(source), await resolveInside(context, source, "context")]) {
      const rule = ignore.ignoredBy(path);
      if (rule !== undefined) return ignoredHint(rule, path);
    }
  }
  return undefined;
}

/** The paths that fit a pattern, in byte order. */
async function expand(context: string, pattern: string): Promise<string[]> {
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
    const perDirectory = await Promise.all(paths.map((path) => namesIn(context, path)));
    paths = paths.flatMap((path, index) =>
      (perDirectory[index] ?? []).filter(matches).map((name) => posix.join(path, name)),
    );
  }
  const suffix = pattern.endsWith("/") ? "/" : "";
  return paths.sort(compareBytes).map((path) => path + suffix);
}

async function namesIn(context: string, directory: string): Promise<string[]> {
  try {
    return await readdir(join(context, await resolveInside(context, directory, "context")));
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

async function pathsOf(context: string, ignore: IgnoreRules): Promise<string[]> {
  const paths: string[] = [];
  try {
    for await (const { path } of walkTree(context, "", ignore)) {
      paths.push(path);
      if (paths.length >= MAX_CANDIDATES) break;
    }
  } catch {
    // A hint is made from what could be read.
  }
  return paths;
}
