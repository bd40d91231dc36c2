import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { MAX_MANIFEST_BYTES, parseManifest } from "../oci/manifest.ts";
import { isManifestType } from "../oci/media-types.ts";
import type { BlobReader } from "../store/types.ts";

/** A blob that somebody names; what it is decides whether others are named in it. */
export type BlobRoot = Pick<Descriptor, "digest" | "mediaType">;

/** What blobs lead to, in one store. */
export interface BlobGraph {
  /** The stored blobs that the roots lead to, with their sizes in bytes. */
  reach(roots: Iterable<BlobRoot>, signal?: AbortSignal): Promise<ReadonlyMap<Digest, number>>;
}

/**
 * Follows indexes and manifests to everything in them, whatever platform it is for: unlike a build, which wants to know
 * what one platform needs, this is about what may be thrown away. Each manifest is read once.
 */
export function blobGraph(store: Pick<BlobReader, "has" | "readSmall">): BlobGraph {
  const sizes = new Map<Digest, Promise<number | undefined>>();
  const children = new Map<Digest, Promise<readonly BlobRoot[]>>();

  const sizeOf = (digest: Digest): Promise<number | undefined> => {
    const known = sizes.get(digest) ?? store.has(digest).then((found) => found?.size);
    sizes.set(digest, known);
    return known;
  };
  const childrenOf = (digest: Digest): Promise<readonly BlobRoot[]> => {
    const known = children.get(digest) ?? readChildren(store, digest);
    children.set(digest, known);
    return known;
  };

  return {
    async reach(roots, signal) {
      const found = new Map<Digest, number>();
      const waiting = [...roots];
      for (let root = waiting.pop(); root !== undefined; root = waiting.pop()) {
        signal?.throwIfAborted();
        const { digest, mediaType } = root;
        if (found.has(digest)) continue;
        const size = await sizeOf(digest);
        if (size === undefined) continue;
        found.set(digest, size);
        if (isManifestType(mediaType) && size <= MAX_MANIFEST_BYTES) waiting.push(...(await childrenOf(digest)));
      }
      return found;
    },
  };
}

/** What is broken leads nowhere: whoever needs it fetches it anew, with all that it names. */
async function readChildren(store: Pick<BlobReader, "readSmall">, digest: Digest): Promise<readonly BlobRoot[]> {
  try {
    const manifest = parseManifest(await store.readSmall(digest, MAX_MANIFEST_BYTES));
    return manifest.kind === "index" ? manifest.manifests : [manifest.config, ...manifest.layers];
  } catch {
    return [];
  }
}
