import type { Repository } from "../oci/reference.ts";
import type { Store } from "../store/types.ts";
import { RegistryError } from "./errors.ts";
import { type HeldImage, heldRepositories } from "./held-images.ts";
import { heldUpstream } from "./held-upstream.ts";
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

  return {
    ...heldUpstream(upstream, store, held),
    async blob(repository, digest, options) {
      if ((await held(repository)?.contents())?.blobs.has(digest) !== true) {
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
