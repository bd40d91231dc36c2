import { walkImages } from "../image/blob-graph.ts";
import type { ClusterBlob } from "../image/blob-roles.ts";
import type { Platform } from "../oci/descriptor.ts";
import type { Repository } from "../oci/reference.ts";
import { parseReference } from "../oci/reference.ts";
import type { BlobFetcher, Store } from "../store/types.ts";
import { RecordRefused } from "./record.ts";
import type { BlobOrigin, CacheRecord } from "./types.ts";

/** A blob that a record is of no use without. */
export interface RecordBlob extends ClusterBlob {
  /** Where the images that have it were pulled from. */
  readonly repositories: readonly Repository[];
}

/** Where the blobs of records come from. */
export interface BlobSupply {
  readonly store: Store;
  /** Asked for what the store lacks. */
  readonly origins: () => readonly BlobOrigin[];
  /** Whose manifests of an image are followed. */
  readonly platform: Platform;
}

/**
 * Every blob of a record, each once: rootfs layers, or all that the captured images consist of.
 *
 * @throws RecordRefused when an image's manifest is not at hand, so that nobody can tell what it consists of
 */
export async function blobsOf(
  record: CacheRecord,
  { store, platform }: BlobSupply,
  signal: AbortSignal,
): Promise<readonly RecordBlob[]> {
  if (record.kind !== "launch") {
    const layers = record.kind === "rootfs" ? record.layers : record.layer === undefined ? [] : [record.layer];
    const blobs = layers.map(({ descriptor: { digest, size, mediaType } }): RecordBlob => {
      return { role: "rootfs", digest, size, mediaType, repositories: [] };
    });
    return unique(blobs);
  }
  const images = await walkImages(store, record.images, platform, signal);
  const [problem] = images.flatMap(({ reference, problems }) => problems.map(({ text }) => `${reference}: ${text}`));
  if (problem !== undefined) throw new RecordRefused(record, problem);
  return unique(
    images.flatMap(({ reference, blobs }) => {
      const { host, path } = parseReference(reference);
      return blobs.map((blob) => ({ ...blob, repositories: [{ host, path }] }));
    }),
  );
}

/**
 * Brings a blob into the store when it is not there, from the first place that has it.
 *
 * @throws RecordRefused when none has
 */
export async function supplyBlob(
  record: CacheRecord,
  { digest, size }: { readonly digest: ClusterBlob["digest"]; readonly size: number },
  { store, origins }: BlobSupply,
  signal: AbortSignal,
): Promise<void> {
  if ((await store.has(digest))?.size === size) return;
  for (const origin of origins()) {
    if (!(await origin.has(digest, { signal }).catch(() => false))) continue;
    await store.ensure(digest, sized(origin.fetcher(digest), size), { signal });
    return;
  }
  throw new RecordRefused(record, `its blob ${digest} is neither here nor in a cache that is read`);
}

/** Blobs of no bytes are left out: registries refuse them, and whoever needs one can make it. */
function unique(blobs: readonly RecordBlob[]): readonly RecordBlob[] {
  const found = new Map<string, RecordBlob>();
  for (const blob of blobs) {
    if (blob.size === 0) continue;
    const other = found.get(blob.digest);
    const repositories = [...(other?.repositories ?? []), ...blob.repositories];
    found.set(blob.digest, { ...(other ?? blob), repositories });
  }
  return [...found.values()];
}

function sized(fetcher: BlobFetcher, size: number): BlobFetcher {
  return async (offset, signal) => {
    const content = await fetcher(offset, signal);
    if (content.size === size) return content;
    content.stream.destroy();
    throw new Error(`it has ${content.size} bytes, not ${size}`);
  };
}
