import type { RootfsLayer } from "../image/assemble.ts";
import { chainId } from "../oci/chain-id.ts";
import type { Digest } from "../oci/digest.ts";
import { applyStoredLayer } from "../rootfs/stored-layer.ts";
import { type CommitOptions, createWorkspace, type RootfsWorkspace } from "../rootfs/workspace.ts";
import type { Store } from "../store/types.ts";
import type { BlobSupply } from "./blob-supply.ts";

export interface StageTreeOptions {
  /** Absolute path of a directory for the tree. */
  readonly directory: string;
  readonly store: Store;
  readonly supply: BlobSupply;
  readonly signal: AbortSignal;
}

/**
 * The rootfs of a stage while it is built: layers, some made here and some known from records. Those are fetched and
 * applied only when somebody needs the files.
 */
export interface StageTree extends AsyncDisposable {
  readonly layers: readonly RootfsLayer[];
  /** One name for all layers so far; undefined without any. */
  readonly chain: Digest | undefined;
  /** Puts a layer on top that was made before. */
  add(layer: RootfsLayer): void;
  /** The files, with every layer applied. @throws BlobLost */
  workspace(): Promise<RootfsWorkspace>;
  /** Makes a layer of what was changed in the workspace; undefined when nothing was. */
  commit(check?: CommitOptions["check"]): Promise<RootfsLayer | undefined>;
}

export function createStageTree({ directory, store, supply, signal }: StageTreeOptions): StageTree {
  const layers: RootfsLayer[] = [];
  let opened: RootfsWorkspace | undefined;
  let applied = 0;

  const workspace = async (): Promise<RootfsWorkspace> => {
    opened ??= await createWorkspace(directory);
    if (applied === layers.length) return opened;
    for (const layer of layers.slice(applied)) {
      await supply.provide(layer.descriptor, { signal });
      await applyStoredLayer(opened.root, layer, store, { signal });
      applied += 1;
    }
    await opened.adopt({ signal });
    return opened;
  };

  return {
    layers,
    get chain() {
      return chainId(layers.map(({ diffId }) => diffId));
    },
    add: (layer) => layers.push(layer),
    workspace,
    async commit(check) {
      const layer = await (await workspace()).commit(store, { signal, check });
      if (layer === undefined) return undefined;
      layers.push(layer);
      applied += 1;
      return layer;
    },
    async [Symbol.asyncDispose]() {
      await opened?.[Symbol.asyncDispose]();
    },
  };
}
