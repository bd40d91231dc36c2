import type { Repository } from "../oci/reference.ts";
import type { Store } from "../store/types.ts";
import { type HeldRepository, heldManifest } from "./held-images.ts";
import type { Upstream } from "./types.ts";

/**
 * The same registries, but for images that are held: their names stand for what is in the store, whatever a registry
 * knows of them. Blobs that the store lacks are asked of the registries as ever.
 *
 * @param held what is held of a repository
 */
export function heldUpstream(
  upstream: Upstream,
  store: Store,
  held: (repository: Repository) => HeldRepository | undefined,
): Upstream {
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
