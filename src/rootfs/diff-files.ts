import type { Leaf } from "./join-layers.ts";

/** How two trees differ, each list in the order of paths. */
export interface FileChanges {
  readonly added: readonly { readonly path: string; readonly to: Leaf }[];
  readonly removed: readonly { readonly path: string; readonly from: Leaf }[];
  /** Another content, mode, target or type. */
  readonly changed: readonly { readonly path: string; readonly from: Leaf; readonly to: Leaf }[];
  readonly unchanged: number;
}

export function diffFiles(from: ReadonlyMap<string, Leaf>, to: ReadonlyMap<string, Leaf>): FileChanges {
  const shared = [...to].flatMap(([path, after]) => {
    const before = from.get(path);
    return before === undefined ? [] : [{ path, from: before, to: after }];
  });
  const changed = shared.filter((file) => !isSame(file.from, file.to));
  return {
    added: [...to].flatMap(([path, leaf]) => (from.has(path) ? [] : [{ path, to: leaf }])),
    removed: [...from].flatMap(([path, leaf]) => (to.has(path) ? [] : [{ path, from: leaf }])),
    changed,
    unchanged: shared.length - changed.length,
  };
}

function isSame(one: Leaf, other: Leaf): boolean {
  if (one.type === "link") return other.type === "link" && one.target === other.target;
  return other.type === "file" && one.digest === other.digest && one.mode === other.mode;
}
