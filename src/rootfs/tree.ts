import { join } from "node:path";
import pLimit from "p-limit";
import { KubefileError } from "../error.ts";
import type { Digest } from "../oci/digest.ts";
import { compareBytes } from "./byte-order.ts";
import { digestOfFile } from "./regular-file.ts";
import { type Found, walkTree } from "./walk.ts";

export type TreeEntry = FileEntry | DirectoryEntry | LinkEntry;

interface Entry {
  /** Relative to the tree, with slashes. */
  readonly path: string;
}

export interface FileEntry extends Entry {
  readonly type: "file";
  /** Permission bits. */
  readonly mode: number;
  /** Bytes. */
  readonly size: number;
  readonly digest: Digest;
  /** Tells whether the content may have changed since, without reading it. */
  readonly identity: FileIdentity;
}

export interface DirectoryEntry extends Entry {
  readonly type: "directory";
  readonly mode: number;
}

export interface LinkEntry extends Entry {
  readonly type: "link";
  readonly target: string;
}

interface FileIdentity {
  readonly inode: bigint;
  /** Nanoseconds. */
  readonly ctime: bigint;
  /** False when the file changed so shortly before it was read that a further change could have the same ctime. */
  readonly settled: boolean;
}

/** Entries by path, in byte order of their paths. */
export type Tree = ReadonlyMap<string, TreeEntry>;

export interface SnapshotOptions {
  /** An earlier snapshot of the same tree: files whose inode, ctime, size and mode are unchanged are not read again. */
  readonly previous?: Tree;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds since 1970, by the clock that stamps the files. */
  readonly now?: () => number;
}

const PARALLEL_READS = 8;
/** Far more than the granularity of ctime on any file system. */
const SETTLED_AFTER_MILLISECONDS = 1_000;

/**
 * Reads a tree: types, permission bits, link targets and content digests.
 *
 * @throws KubefileError UNSUPPORTED for special files and names that are not UTF-8.
 */
export async function snapshotTree(root: string, options: SnapshotOptions = {}): Promise<Tree> {
  const now = options.now ?? Date.now;
  const limit = pLimit(PARALLEL_READS);
  const all: Found[] = [];
  for await (const found of walkTree(root)) all.push(found);
  const entries = await Promise.all(all.map((found) => limit(readEntry, root, found, { ...options, now })));
  entries.sort((left, right) => compareBytes(left.path, right.path));
  return new Map(entries.map((entry) => [entry.path, entry]));
}

async function readEntry(
  root: string,
  found: Found,
  options: SnapshotOptions & { readonly now: () => number },
): Promise<TreeEntry> {
  options.signal?.throwIfAborted();
  const { path, stats } = found;
  switch (found.type) {
    case "link":
      return { type: "link", path, target: found.target };
    case "directory":
      return { type: "directory", path, mode: Number(stats.mode) & 0o777 };
    case "special":
      throw new KubefileError("UNSUPPORTED", `${JSON.stringify(path)} is a ${found.kind}, which no layer can hold`);
    case "file": {
      const before = options.previous?.get(path);
      const size = Number(stats.size);
      const mode = Number(stats.mode) & 0o777;
      const identity = {
        inode: stats.ino,
        ctime: stats.ctimeNs,
        settled: options.now() - Number(stats.ctimeMs) > SETTLED_AFTER_MILLISECONDS,
      };
      const known =
        before?.type === "file" && isUnchanged(before, { size, mode, identity }) ? before.digest : undefined;
      const digest = known ?? (await digestOfFile(join(root, path), options.signal));
      return { type: "file", path, mode, size, digest, identity };
    }
  }
}

function isUnchanged(before: FileEntry, now: Pick<FileEntry, "size" | "mode" | "identity">): boolean {
  return (
    before.identity.settled &&
    before.identity.inode === now.identity.inode &&
    before.identity.ctime === now.identity.ctime &&
    before.size === now.size &&
    before.mode === now.mode
  );
}
