import type { ClusterImage } from "../image/cluster-image.ts";
import { platformReference } from "../image/cluster-index.ts";
import { choosePlatform, requirePlatform } from "../image/platform-image.ts";
import { readClusterImage } from "../image/read.ts";
import type { Platform } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { parseManifest } from "../oci/manifest.ts";
import type { Reference } from "../oci/reference.ts";
import type { Store } from "../store/types.ts";
import type { Host } from "./host.ts";
import { type PushedImage, pushImage } from "./push.ts";
import { putIndexes } from "./push-index.ts";

export interface StoredPush {
  /** As messages call it. */
  readonly name: string;
  /** What the store has: an image or an index. */
  readonly digest: Digest;
  readonly target: Reference;
  /** Which of an index; all and the index itself when absent. */
  readonly platform: Platform | undefined;
}

/**
 * Pushes what was built here: of an index all platforms, each under a name of its own beside the target, and an index
 * over them.
 *
 * @returns the digest that the target's name stands for
 */
export async function pushStored(
  host: Host,
  store: Store,
  { name, digest, target, platform }: StoredPush,
): Promise<{ readonly digest: Digest }> {
  const manifest = parseManifest(await store.readSmall(digest));
  if (manifest.kind === "index" && platform === undefined) {
    const images = await Promise.all(manifest.manifests.map((child) => readClusterImage(store, child.digest)));
    return { digest: (await pushAll(host, store, images, target)) ?? digest };
  }
  const isOne = manifest.kind === "image" || platform === undefined;
  const chosen = isOne ? digest : choosePlatform(manifest.manifests, platform, name).digest;
  const image = await readClusterImage(store, chosen);
  requirePlatform(image, platform, name);
  const [pushed] = await pushImage(host, store, image, [target]);
  return { digest: pushed?.digest ?? image.digest };
}

async function pushAll(
  host: Host,
  store: Store,
  images: readonly ClusterImage[],
  target: Reference,
): Promise<Digest | undefined> {
  const pushed: PushedImage[] = [];
  for (const image of images) {
    pushed.push(...(await pushImage(host, store, image, [platformReference(target, image.config.platform)])));
  }
  return (await putIndexes(host, store, pushed, [target]))?.digest;
}
