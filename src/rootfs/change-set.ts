import { posix } from "node:path";
import { compareBytes } from "./byte-order.ts";
import type { DirectoryEntry, Tree, TreeEntry } from "./tree.ts";

/** What turns one tree into another. Every list is in byte order of its paths. */
export interface ChangeSet {
  readonly added: readonly TreeEntry[];
  /** The entry as it is afterwards; also where the type changed, in which case all that was below is gone. */
  readonly changed: readonly TreeEntry[];
  /** Paths that are gone, each standing for all that was below it. */
  readonly removed: readonly string[];
  /** Unchanged directories that hold a change: a layer names them, so that it unpacks with their modes anywhere. */
  readonly parents: readonly DirectoryEntry[];
}

/** Compares two snapshots of a tree by type, mode, link target and content digest; nothing else is in a layer. */
export function changesBetween(before: Tree, after: Tree): ChangeSet {
  const added: TreeEntry[] = [];
  const changed: TreeEntry[] = [];
  for (const entry of after.values()) {
    const old = before.get(entry.path);
    if (old === undefined) added.push(entry);
    else if (!isSame(old, entry)) changed.push(entry);
  }
  const removed = [...before.keys()].filter((path) => !after.has(path) && isDirectory(after, posix.dirname(path)));
  const touched = new Set([...added, ...changed].map((entry) => entry.path));
  const parents = parentsOf([...touched, ...removed], after).filter(({ path }) => !touched.has(path));
  return { added, changed, removed, parents };
}

export function isEmpty(changes: ChangeSet): boolean {
  return changes.added.length === 0 && changes.changed.length === 0 && changes.removed.length === 0;
}

function isSame(left: TreeEntry, right: TreeEntry): boolean {
  switch (left.type) {
    case "file":
      return right.type === "file" && left.mode === right.mode && left.digest === right.digest;
    case "directory":
      return right.type === "directory" && left.mode === right.mode;
    case "link":
      return right.type === "link" && left.target === right.target;
  }
}

function isDirectory(tree: Tree, path: string): boolean {
  return path === "." || tree.get(path)?.type === "directory";
}

function parentsOf(paths: readonly string[], tree: Tree): DirectoryEntry[] {
  const parents = new Map<string, DirectoryEntry>();
  for (const path of paths) {
    for (let parent = posix.dirname(path); parent !== "." && !parents.has(parent); parent = posix.dirname(parent)) {
      const entry = tree.get(parent);
      if (entry?.type === "directory") parents.set(parent, entry);
    }
  }
  return [...parents.values()].sort((left, right) => compareBytes(left.path, right.path));
}
