import { posix } from "node:path";
import { type IgnoreRules, nothingIgnored, parseExclusions } from "../kubefile/ignore-file.ts";
import { hasWildcard } from "../kubefile/wildcard.ts";
import type { FoundSource } from "./source-tree.ts";

/** What `--exclude` takes from the sources of a COPY or ADD. */
export interface Exclusions {
  /** Whether a source as a whole is left out: a file by its name, and what a wildcard has found. */
  leavesOut(source: FoundSource, written: string): boolean;
  /** The rules for what is below the source directory `top`, together with those of its tree. */
  below(top: string, ignore: IgnoreRules | undefined): IgnoreRules;
}

/**
 * @param patterns as in an ignore file; they count from each source directory
 * @throws KubefileError KUBEFILE_INVALID for a malformed one
 */
export function exclusionsOf(patterns: readonly string[]): Exclusions {
  const own = parseExclusions(patterns);
  return {
    leavesOut: ({ path, type }, written) =>
      (type === "file" || hasWildcard(written)) && own.ignoredBy(posix.basename(path)) !== undefined,
    below(top, ignore = nothingIgnored) {
      if (patterns.length === 0) return ignore;
      const inTop = (path: string): string => (top === "" ? path : path.slice(top.length + 1));
      return {
        ignoredBy: (path) => ignore.ignoredBy(path) ?? own.ignoredBy(inTop(path)),
        mayReincludeBelow: (path) =>
          (ignore.ignoredBy(path) === undefined || ignore.mayReincludeBelow(path)) &&
          (own.ignoredBy(inTop(path)) === undefined || own.mayReincludeBelow(inTop(path))),
      };
    },
  };
}
