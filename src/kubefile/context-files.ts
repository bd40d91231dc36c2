import { lstatSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { join, posix } from "node:path";

export type FileKind = "file" | "directory";

/** The build context as the linter sees it. Paths are relative to it, with slashes, normalised; `.` is the context. */
export interface ContextFiles {
  /** What is there, links followed; undefined for nothing, for ignored paths and for dangling links. */
  exists(path: string): FileKind | undefined;
  /** Names in a directory, sorted, without ignored ones; empty when there is no such directory. */
  list(path: string): readonly string[];
  /** Where a symbolic link points, as written; undefined for everything else. */
  readLink?(path: string): string | undefined;
}

/** The files under a directory. What cannot be read counts as not there. */
export function directoryContext(root: string, isIgnored: (path: string) => boolean = () => false): ContextFiles {
  return {
    exists: (path) => {
      if (path !== "." && isIgnored(path)) return undefined;
      const stats = statSync(join(root, path), { throwIfNoEntry: false });
      if (stats === undefined) return undefined;
      return stats.isDirectory() ? "directory" : "file";
    },
    list: (path) => {
      try {
        const names = readdirSync(join(root, path));
        return names.filter((name) => !isIgnored(posix.join(path, name))).sort();
      } catch {
        return [];
      }
    },
    readLink: (path) => {
      const stats = lstatSync(join(root, path), { throwIfNoEntry: false });
      return stats?.isSymbolicLink() ? readlinkSync(join(root, path)) : undefined;
    },
  };
}

export interface ContextEntry {
  readonly path: string;
  readonly kind: FileKind;
  /** Target of a symbolic link; what is behind it is not walked. */
  readonly link?: string;
}

/** Everything below a path, the path itself first; links are named and not followed. */
export function* walkContext(context: ContextFiles, path: string): Generator<ContextEntry> {
  const link = context.readLink?.(path);
  const kind = context.exists(path);
  if (link !== undefined) {
    yield { path, kind: kind ?? "file", link };
  } else if (kind !== undefined) {
    yield { path, kind };
    if (kind === "file") return;
    for (const name of context.list(path)) yield* walkContext(context, posix.join(path, name));
  }
}

/** Whether a link's target lies outside of the context, or is absolute and so means something else on every machine. */
export function linkEscapes(link: string, target: string): boolean {
  return target.startsWith("/") || isOutside(posix.join(posix.dirname(link), target));
}

/** Whether a relative path leads out of the directory it starts from. */
export function isOutside(path: string): boolean {
  const normal = posix.normalize(path);
  return normal === ".." || normal.startsWith("../");
}
