import { chmod, mkdtemp, rename } from "node:fs/promises";
import type { KubefileError } from "../error.ts";
import { normalisedMode } from "./mode.ts";
import { throwTogether } from "./problems.ts";
import { removeTree } from "./remove-tree.ts";
import type { Tree } from "./tree.ts";
import { unpack } from "./unpack.ts";
import { defaultLimits, type UnpackLimits } from "./unpack-rules.ts";

export interface UnpackTreeOptions {
  /** A directory that all entries are in, such as `rootfs` in `docker cp CONTAINER:/rootfs -`. */
  readonly stripPrefix?: string;
  /** The tree that went in: an entry that still has its mode from there keeps it, others get normalised ones. */
  readonly before?: Tree;
  /** What messages call the archive. */
  readonly name?: string;
  readonly limits?: Partial<UnpackLimits>;
  readonly signal?: AbortSignal | undefined;
}

/** A hostile archive could fill the memory with errors. */
const MAX_PROBLEMS = 1_000;

/**
 * Makes `root` hold exactly what a tar holds, as safely as applyLayer. When it throws, `root` is as it was. Fed with the
 * packTree of the same root, it brings a tree that a program changed in place back to what a rootfs may hold.
 *
 * @throws KubefileError UNSAFE_ARCHIVE naming the entries that a rootfs cannot hold.
 */
export async function unpackTree(
  root: string,
  tar: NodeJS.ReadableStream,
  options: UnpackTreeOptions = {},
): Promise<void> {
  const problems: KubefileError[] = [];
  const incoming = await mkdtemp(`${root}.incoming-`);
  try {
    await unpack(incoming, tar, {
      archive: options.name ?? "the tree",
      stripPrefix: options.stripPrefix ?? "",
      base: "",
      limits: { ...defaultLimits, ...options.limits },
      whiteouts: false,
      modeOf: (type, path, mode) => {
        const old = options.before?.get(path);
        const isKept = old !== undefined && old.type === type && old.mode === (mode & 0o777);
        return isKept ? old.mode : normalisedMode(type, mode);
      },
      onRefused: (problem) => {
        if (problems.length < MAX_PROBLEMS) problems.push(problem);
      },
      signal: options.signal,
    });
    throwTogether(problems);
    await chmod(incoming, 0o755);
    await swap(incoming, root);
  } finally {
    await removeTree(incoming);
  }
}

/** Exchanges two directories; `fresh` holds the old content afterwards. */
async function swap(fresh: string, root: string): Promise<void> {
  const parked = `${fresh}.old`;
  await rename(root, parked);
  await rename(fresh, root);
  await rename(parked, fresh);
}
