import { type Dirent, lstatSync, readdirSync, readlinkSync, type Stats, statSync } from "node:fs";
import { join, posix } from "node:path";
import { type IgnoreRules, nothingIgnored } from "./ignore-file.ts";

export type FileKind = "file" | "directory";

/** The build context as the linter sees it. Paths are relative to it, with slashes, normalised; `.` is the context. */
export interface ContextFiles {
  /** What is there, links followed; undefined for nothing, for ignored paths and for dangling links. */
  exists(path: string): FileKind | undefined;
  /** Names in a directory, sorted, without ignored ones; empty when there is no such directory. */
  list(path: string): readonly string[];
  /** Whether a directory is there whose names this user may not read. */
  isUnreadable?(path: string): boolean;
  /** Where a symbolic link points, as written; undefined for everything else. */
  readLink?(path: string): string | undefined;
  /** The same directory with nothing ignored, and what is: so that a missing file can be explained. */
  readonly unfiltered?: { readonly files: ContextFiles; readonly rules: IgnoreRules };
}

/**
 * The files under a directory, without ignored ones. What cannot be read counts as not there. Each directory is read
 * once and tells what its entries are, as several rules go through the whole context, which may be large.
 */
export function directoryContext(root: string, rules: IgnoreRules = nothingIgnored): ContextFiles {
  const lists = new Map<string, readonly string[]>();
  /** What is known not to be a link. */
  const kinds = new Map<string, FileKind>();
  const unreadable = new Set<string>();
  const isThere = (path: string): boolean =>
    rules.ignoredBy(path) === undefined ||
    (rules.mayReincludeBelow(path) && statsOf(root, path)?.isDirectory() === true && list(path).length > 0);
  const list = (path: string): readonly string[] => {
    const known = lists.get(path);
    if (known !== undefined) return known;
    const names: string[] = [];
    for (const entry of entriesOf(join(root, path), () => unreadable.add(path))) {
      const inside = path === "." ? entry.name : `${path}/${entry.name}`;
      if (!entry.isSymbolicLink()) kinds.set(inside, entry.isDirectory() ? "directory" : "file");
      if (isThere(inside)) names.push(entry.name);
    }
    lists.set(path, names.sort());
    return names;
  };
  return {
    exists: (path) => {
      if (!isThere(path)) return undefined;
      const known = kinds.get(path);
      if (known !== undefined) return known;
      try {
        return statSync(join(root, path)).isDirectory() ? "directory" : "file";
      } catch {
        // Also links that lead to each other, which a copy takes as they are.
        return undefined;
      }
    },
    list,
    isUnreadable: (path) => {
      list(path);
      return unreadable.has(path);
    },
    readLink: (path) =>
      !kinds.has(path) && isThere(path) && statsOf(root, path)?.isSymbolicLink() === true
        ? readlinkSync(join(root, path))
        : undefined,
    ...(rules === nothingIgnored ? {} : { unfiltered: { files: directoryContext(root), rules } }),
  };
}

function entriesOf(directory: string, onRefused: () => void): readonly Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EACCES") onRefused();
    return [];
  }
}

function statsOf(root: string, path: string): Stats | undefined {
  return lstatSync(join(root, path), { throwIfNoEntry: false });
}

export interface ContextEntry {
  readonly path: string;
  readonly kind: FileKind;
  /** Target of a symbolic link; what is behind it is not walked. */
  readonly link?: string;
  /** A directory of which nothing more is known. */
  readonly isUnreadable?: true;
}

/** Everything below a path, the path itself first; links are named and not followed. */
export function* walkContext(context: ContextFiles, path: string): Generator<ContextEntry> {
  const link = context.readLink?.(path);
  const kind = context.exists(path);
  if (link !== undefined) {
    yield { path, kind: kind ?? "file", link };
  } else if (kind !== undefined) {
    const isUnreadable = kind === "directory" && context.isUnreadable?.(path) === true;
    yield { path, kind, ...(isUnreadable ? { isUnreadable } : {}) };
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
