import { compareBytes } from "./byte-order.ts";
import type { LayerFiles, ListedFile } from "./layer-files.ts";

/** A file or link, or a directory with what is in it. */
interface Node {
  leaf: Leaf | undefined;
  readonly children: Map<string, Node>;
}

/** What a tree has beside directories. */
export type Leaf = Exclude<ListedFile, { type: "directory" }>;

/**
 * The files and links of the tree that layers make, the lowest layer first (OCI image-spec, layer.md): in the order of
 * their paths' bytes, without directories.
 */
export function joinLayers(layers: readonly LayerFiles[]): ReadonlyMap<string, Leaf> {
  const root = newNode();
  for (const { entries, whiteouts, opaque } of layers) {
    // Whiteouts hide lower layers only, wherever in their own layer they stand.
    for (const path of whiteouts) remove(root, path);
    for (const path of opaque) find(root, path)?.children.clear();
    const links: [path: string, source: string][] = [];
    for (const [path, entry] of entries) {
      if (entry.type === "hard link") links.push([path, entry.source]);
      else place(root, path, entry);
    }
    for (const [path, source] of links) {
      const leaf = find(root, source)?.leaf;
      if (leaf !== undefined) place(root, path, leaf);
    }
  }
  return new Map([...leavesOf(root, "")].sort(([left], [right]) => compareBytes(left, right)));
}

function newNode(): Node {
  return { leaf: undefined, children: new Map() };
}

function find(root: Node, path: string): Node | undefined {
  let node: Node | undefined = root;
  for (const name of namesOf(path)) node = node?.children.get(name);
  return node;
}

/** Makes the directories above; whatever stood where one has to be gives way. */
function place(root: Node, path: string, entry: ListedFile): void {
  let node = root;
  for (const name of namesOf(path)) {
    node.leaf = undefined;
    const next = node.children.get(name) ?? newNode();
    node.children.set(name, next);
    node = next;
  }
  node.leaf = entry.type === "directory" ? undefined : entry;
  if (entry.type !== "directory") node.children.clear();
}

function remove(root: Node, path: string): void {
  const names = namesOf(path);
  find(root, names.slice(0, -1).join("/"))?.children.delete(names.at(-1) ?? "");
}

function* leavesOf(node: Node, path: string): Generator<[string, Leaf]> {
  if (node.leaf !== undefined) yield [path, node.leaf];
  for (const [name, child] of node.children) yield* leavesOf(child, path === "" ? name : `${path}/${name}`);
}

function namesOf(path: string): string[] {
  return path === "" ? [] : path.split("/");
}
