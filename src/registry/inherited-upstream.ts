import type { Repository } from "../oci/reference.ts";
import type { Store } from "../store/types.ts";
import { RegistryError } from "./errors.ts";
import { type HeldImage, heldManifest, heldRepositories } from "./held-images.ts";
import type { Upstream } from "./types.ts";

export interface InheritedImages {
  /** Holds the manifests of the images; blobs need not be there. */
  readonly store: Store;
  readonly images: readonly HeldImage[];
  /** The repository of the cluster image that holds them, and so all of their blobs. */
  readonly origin: Repository;
  /** Whether the registry's name is not known: each that has a repository of the same path is taken to be it. */
  readonly ofAnyRegistry?: boolean;
}

/**
 * An upstream for a build on a cluster image: the images that one has captured are what they were then, whatever their
 * tags have come to mean, and their blobs come from where it lies. All else is asked of the registries.
 */
export function inheritedUpstream(
  upstream: Upstream,
  { store, images, origin, ofAnyRegistry }: InheritedImages,
): Upstream {
  const named = heldRepositories(store, images);
  const held: typeof named = (repository) =>
    named(repository) ?? (ofAnyRegistry === true ? named({ ...repository, host: "docker.io" }) : undefined);

  const heldSize = async (...[repository, digest]: Parameters<Upstream["hasBlob"]>): Promise<number | undefined> =>
    (await held(repository)?.contents())?.blobs.get(digest);

  return {
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
      const size = await heldSize(repository, digest, options);
      return size === undefined ? upstream.hasBlob(repository, digest, options) : { size };
    },
    async blob(repository, digest, options) {
      if ((await heldSize(repository, digest, options)) === undefined) {
        return upstream.blob(repository, digest, options);
      }
      // What a node presented for the image's own registry is nobody else's business.
      const { credentials: _, ...own } = options;
      return upstream.blob(origin, digest, own).catch((error: unknown) => {
        if (!(error instanceof RegistryError)) throw error;
        return upstream.blob(repository, digest, options);
      });
    },
  };
}
