import { createHash } from "node:crypto";
import { type Digest, finishDigest } from "../oci/digest.ts";
import type { Tree, TreeEntry } from "./tree.ts";

/** One digest over all that a layer would hold of a tree: paths, types, modes, contents and links, in byte order. */
export function treeDigest(tree: Tree): Digest {
  const hash = createHash("sha256");
  for (const entry of tree.values()) hash.update(`${JSON.stringify(treeLine(entry))}\n`);
  return finishDigest(hash);
}

function treeLine(entry: TreeEntry): readonly string[] {
  switch (entry.type) {
    case "file":
      return [entry.path, entry.type, entry.mode.toString(8), entry.digest];
    case "directory":
      return [entry.path, entry.type, entry.mode.toString(8)];
    case "link":
      return [entry.path, entry.type, entry.target];
  }
}
