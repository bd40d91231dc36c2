import { chmod, mkdir, mkdtemp } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Store } from "../store/types.ts";
import { type ChangeSet, changesBetween, isEmpty } from "./change-set.ts";
import { type Layer, writeLayer } from "./layer.ts";
import { removeTree } from "./remove-tree.ts";
import type { TarOptions } from "./tar.ts";
import { snapshotTree, type Tree } from "./tree.ts";

/** The rootfs while it is built: steps change the tree below `root`, and a commit makes a layer of what they changed. */
export interface RootfsWorkspace extends AsyncDisposable {
  /** Absolute path of the rootfs. */
  readonly root: string;
  /** The tree as of the last commit. */
  readonly tree: Tree;
  /** Writes what changed since the last commit into the store; undefined when nothing did. */
  commit(store: Pick<Store, "write">, options?: CommitOptions): Promise<Layer | undefined>;
  /** Takes the tree as it is for committed: for layers that came from elsewhere. */
  adopt(options?: { readonly signal?: AbortSignal | undefined }): Promise<Tree>;
}

export interface CommitOptions extends TarOptions {
  /** Looks at the changes before anything is written; what it throws ends the commit. */
  readonly check?: ((changes: ChangeSet, root: string) => Promise<void>) | undefined;
}

/** Makes an empty rootfs in a directory of its own below `directory`; disposing removes it. */
export async function createWorkspace(directory: string): Promise<RootfsWorkspace> {
  await mkdir(directory, { recursive: true });
  const own = await mkdtemp(join(resolve(directory), "rootfs-"));
  const root = join(own, "rootfs");
  await mkdir(root);
  await chmod(root, 0o755);
  let tree: Tree = new Map();
  return {
    root,
    get tree() {
      return tree;
    },
    async commit(store, options = {}) {
      const after = await snapshotTree(root, { previous: tree, signal: options.signal });
      const changes = changesBetween(tree, after);
      await options.check?.(changes, root);
      const layer = isEmpty(changes) ? undefined : await writeLayer(changes, root, store, options);
      tree = after;
      return layer;
    },
    async adopt(options = {}) {
      tree = await snapshotTree(root, { previous: tree, signal: options.signal });
      return tree;
    },
    async [Symbol.asyncDispose]() {
      await removeTree(own);
    },
  };
}
