import { posix } from "node:path";
import picomatch from "picomatch";

/** A launch command, as far as the files it names matter. */
export interface AppliedCommand {
  /** A shell command line. */
  readonly command: string;
  /** Relative to the rootfs. */
  readonly directory: string;
}

/** Programs and words that hand files to the API server. Overlays of kustomize may rename images: they do not count. */
const applies = /\b(apply|create|replace|install|upgrade|template)\b/;

/**
 * Makes a test for files that launch commands apply: those they name, or that lie under a directory or match a glob they
 * name. A guess by words, not a shell: what it misses is a suggestion and no part of the capture, and the rehearsal sees
 * what is really applied.
 */
export function appliedFiles(commands: readonly AppliedCommand[]): (file: string) => boolean {
  const patterns = commands.flatMap(({ command, directory }) => namedPaths(command, directory));
  const plain = new Set(patterns.filter((pattern) => !/[*?[]/.test(pattern)));
  const globs = patterns.filter((pattern) => !plain.has(pattern)).map((pattern) => picomatch(pattern));
  return (file) => {
    if (globs.some((matches) => matches(file)) || plain.has(".")) return true;
    for (let path = file; path !== "." && path !== "/"; path = posix.dirname(path)) if (plain.has(path)) return true;
    return false;
  };
}

function namedPaths(command: string, directory: string): readonly string[] {
  const paths: string[] = [];
  let current = directory;
  for (const part of command.split(/&&|\|\||[;|\n]/)) {
    const words = part.split(/[\s"']+/).filter((word) => word !== "");
    if (words[0] === "cd") current = posix.join(current, words[1] ?? "");
    if (!applies.test(part)) continue;
    for (const [index, word] of words.entries()) {
      if (index === 0 || words[index - 1] === "-k" || words[index - 1] === "--kustomize") continue;
      const value = word.replace(/^(--?[a-zA-Z-]+=|-f(?=[./\w]))/, "");
      if (value.startsWith("-") || value.includes("://")) continue;
      for (const path of value.split(",")) paths.push(normalise(posix.join(current, path)));
    }
  }
  return paths;
}

function normalise(path: string): string {
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}
