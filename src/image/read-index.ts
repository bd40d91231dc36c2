import type { Digest } from "../oci/digest.ts";
import { parseManifest } from "../oci/manifest.ts";
import type { BlobReader } from "../store/types.ts";
import type { ClusterImage } from "./cluster-image.ts";
import { readClusterImage } from "./read.ts";

/** The cluster images that a digest in a store stands for: one, or all that an index has, in its order. */
export async function readImages(store: BlobReader, digest: Digest): Promise<readonly ClusterImage[]> {
  const manifest = parseManifest(await store.readSmall(digest));
  if (manifest.kind === "image") return [await readClusterImage(store, digest)];
  return await Promise.all(manifest.manifests.map((child) => readClusterImage(store, child.digest)));
}
