import type { Store } from "../store/types.ts";
import { type HeldImage, heldManifest, heldRepositories } from "./held-images.ts";
import type { Upstream } from "./types.ts";

/**
 * The same registries, but for names of images that this run has built: those stand for what is in the store, whether a
 * registry knows them or not. All of their blobs are there, and are asked of nobody.
 */
export function builtUpstream(upstream: Upstream, store: Store, images: readonly HeldImage[]): Upstream {
  if (images.length === 0) return upstream;
  const held = heldRepositories(store, images);
  return {
    ...upstream,
    async resolve(repository, reference, options) {
      const found = await heldManifest(store, held(repository), reference);
      if (found === undefined) return upstream.resolve(repository, reference, options);
      return { mediaType: found.mediaType, digest: found.digest, size: found.bytes.byteLength };
    },
    async manifest(repository, reference, options) {
      return (
        (await heldManifest(store, held(repository), reference)) ?? upstream.manifest(repository, reference, options)
      );
    },
    async hasBlob(repository, digest, options) {
      const size = (await held(repository)?.contents())?.blobs.get(digest);
      return size === undefined ? upstream.hasBlob(repository, digest, options) : { size };
    },
  };
}
