import { type BlobUse, blobUse } from "../cache/blob-use.ts";
import { listDirectory } from "../cache/list-directory.ts";
import { listRegistry } from "../cache/list-registry.ts";
import type { CacheListing } from "../cache/listing.ts";
import type { CacheSpec } from "../cache/spec.ts";
import { blobGraph } from "../image/reachable.ts";
import { readStore } from "../store/store.ts";
import { type CachePlace, cachePlaces } from "./cache-places.ts";
import type { Host } from "./host.ts";

/** A place's records, and what else is there. */
export interface ListedCache extends CacheListing {
  /** Of a directory. */
  readonly blobs?: BlobUse;
  /** Of a registry: how many tags are no records of this prefix. */
  readonly foreignTags?: number;
}

/**
 * Lists the records of the places that are named, or of the local store. Nothing is changed or locked: what builds do
 * meanwhile may or may not be in it.
 *
 * @param now milliseconds since the epoch
 */
export async function listCaches(
  host: Host,
  specs: readonly CacheSpec[],
  now: number,
): Promise<readonly ListedCache[]> {
  const places = await cachePlaces(host, specs);
  return Promise.all(places.map((place) => listPlace(host, place, now)));
}

async function listPlace({ client, signal }: Host, place: CachePlace, now: number): Promise<ListedCache> {
  if (place.type === "registry") {
    const { foreignTags, others, ...listing } = await listRegistry({ spec: place.spec, client, signal });
    return { ...listing, others, foreignTags: foreignTags.length - others.length };
  }
  const { directory, name } = place;
  const graph = blobGraph(readStore(directory));
  const listing = await listDirectory({ directory, name, graph, signal });
  const blobs = await blobUse({ directory, graph, records: listing.records, pins: [], now, signal });
  return { ...listing, blobs };
}
