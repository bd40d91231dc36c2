import { listIndexed } from "../image/local-tags.ts";
import type { BlobGraph, BlobRoot } from "../image/reachable.ts";
import type { Digest } from "../oci/digest.ts";
import { OCI_LAYER, OCI_MANIFEST } from "../oci/media-types.ts";
import { listBlobs } from "../store/blob-files.ts";
import { digestsOfUploads } from "../store/kept-uploads.ts";
import type { RecordFile } from "./list-directory.ts";

/** What the blobs of a store are there for. */
export interface BlobUse {
  /** All of them, with sizes in bytes. */
  readonly all: ReadonlyMap<Digest, number>;
  /** Those that nothing leads to. */
  readonly unused: ReadonlyMap<Digest, number>;
}

export interface BlobUseOptions {
  readonly directory: string;
  readonly graph: BlobGraph;
  /** Those that stay. */
  readonly records: readonly RecordFile[];
  /** Manifests that somebody needs now. */
  readonly pins: readonly Digest[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly signal: AbortSignal;
}

/**
 * Follows everything in a store that leads to blobs: names of cluster images, records, uploads that may be gone on with,
 * and what others need at this moment.
 */
export async function blobUse(options: BlobUseOptions): Promise<BlobUse> {
  const { directory, graph, records, pins, now, signal } = options;
  const uploads = await digestsOfUploads(directory, now);
  const roots: BlobRoot[] = [
    ...(await listIndexed(directory)),
    ...records.flatMap(({ roots }) => roots),
    ...pins.map((digest) => ({ digest, mediaType: OCI_MANIFEST })),
    ...uploads.map((digest) => ({ digest, mediaType: OCI_LAYER })),
  ];
  const used = await graph.reach(roots, signal);
  const all = await listBlobs(directory, signal);
  return { all, unused: new Map([...all].filter(([digest]) => !used.has(digest))) };
}
