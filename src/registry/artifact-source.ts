import { isDigest } from "../oci/digest.ts";
import { formatRepository, type Repository } from "../oci/reference.ts";
import type { Store } from "../store/types.ts";
import { RegistryError } from "./errors.ts";
import { type HeldImage, heldRepositories } from "./held-images.ts";
import { manifestMediaType } from "./manifest-facts.ts";
import type { ContentSource } from "./types.ts";

export interface ArtifactSource extends ContentSource {
  /** What was asked for and is not there, each once: `docker.io/shop/web` and a tag or digest. */
  readonly missing: readonly { readonly repository: string; readonly reference: string }[];
}

/**
 * Serves a cluster image's own images from the store and nothing else: what a launch asks for beyond them is missing
 * at every site, and is remembered for the verdict.
 */
export function createArtifactSource({
  store,
  images,
}: {
  readonly store: Store;
  readonly images: readonly HeldImage[];
}): ArtifactSource {
  const held = heldRepositories(store, images);
  const missing = new Map<string, { repository: string; reference: string }>();

  const absent = (repository: Repository, reference: string, isBlob: boolean): RegistryError => {
    const name = formatRepository(repository);
    missing.set(`${name} ${reference}`, { repository: name, reference });
    const references = held(repository)?.images.map((image) => image.reference);
    const offer = references === undefined ? "no image of that repository" : `only ${references.join(", ")}`;
    const asked = `${name}${isDigest(reference) ? "@" : ":"}${reference}`;
    return isBlob
      ? new RegistryError(404, "BLOB_UNKNOWN", `the cluster image does not hold blob ${asked}`)
      : new RegistryError(404, "MANIFEST_UNKNOWN", `the cluster image does not hold ${asked}; it holds ${offer}`);
  };

  return {
    get missing() {
      return [...missing.values()];
    },

    async manifest(repository, reference) {
      const found = held(repository);
      const digest = isDigest(reference) ? reference : found?.tags.get(reference);
      const mediaType = digest === undefined ? undefined : (await found?.contents())?.manifests.get(digest);
      if (digest === undefined || mediaType === undefined || (await store.has(digest)) === undefined) {
        throw absent(repository, reference, false);
      }
      const bytes = await store.readSmall(digest);
      return { digest, bytes, mediaType: manifestMediaType(bytes, mediaType) };
    },

    async blob(repository, digest, options) {
      const reachable = await held(repository)?.contents();
      // Clients look for manifests among the blobs, too; that is no sign of a gap.
      if (reachable?.manifests.has(digest)) {
        throw new RegistryError(404, "BLOB_UNKNOWN", `${digest} is a manifest, not a blob`);
      }
      if (!reachable?.blobs.has(digest) || (await store.has(digest)) === undefined) {
        throw absent(repository, digest, true);
      }
      const { size, range, stream } = await store.fetch(
        digest,
        () => Promise.reject(absent(repository, digest, true)),
        {
          ...(options.range === undefined ? {} : { range: options.range }),
          ...(options.signal === undefined ? {} : { signal: options.signal }),
        },
      );
      return { size, stream, start: range.start, end: range.end };
    },
  };
}
