import { nameGiver } from "../cache/trust.ts";
import { type ClusterImage, uploadsOf } from "../image/cluster-image.ts";
import type { ClusterIndex } from "../image/cluster-index.ts";
import { tagLocal, untagLocal } from "../image/local-tags.ts";
import { forEachParallel } from "../image/parallel.ts";
import { countOf } from "../image/text-table.ts";
import type { Reference } from "../oci/reference.ts";
import type { Store } from "../store/types.ts";
import type { BuildParts } from "./build-parts.ts";
import type { Host } from "./host.ts";
import type { BuildOptions } from "./options.ts";
import type { Phase } from "./progress.ts";

const BLOBS_AT_ONCE = 4;

/** Brings all of a cluster image into the store. What goes into a file is read and hashed, as a store may have lain about for long. */
export async function bringBlobs(
  { host, options, lock, supply }: BuildParts,
  image: ClusterImage,
  phase: Phase,
): Promise<void> {
  const trusting = options.outputs.length === 0 && !lock.siblings.bringAll;
  const wanted = uploadsOf(image).filter(({ digest }) => !trusting || supply.isElsewhere(digest));
  let done = 0;
  await forEachParallel(wanted, BLOBS_AT_ONCE, host.signal, async (blob, signal) => {
    await supply.provide(blob, { signal, trusting });
    done += 1;
    phase.update(`${done} of ${countOf(wanted.length, "blob")} at hand`);
  });
}

/** Bytes of a cluster image that the store lacks. */
export async function bytesAway(store: Store, image: ClusterImage): Promise<number> {
  const sizes = uploadsOf(image).map(async ({ digest, size }) => ((await store.has(digest)) === undefined ? size : 0));
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** Gives a cluster image, or an index, of which the store holds all its names here. */
export async function nameHere(
  host: Host,
  store: Store,
  { descriptor }: ClusterImage | ClusterIndex,
  { tags, cacheTrust }: Pick<BuildOptions, "tags" | "cacheTrust">,
): Promise<void> {
  const given = { now: new Date(), givenBy: nameGiver(cacheTrust), signal: host.signal };
  for (const name of tags) await tagLocal(store.directory, name, descriptor, given);
}

/**
 * Names of a cluster image that is whole at its registry alone stand for nothing here any more: whoever asks for one gets
 * the registry's answer, and not that of an earlier build.
 */
export async function forgetHere(host: Host, store: Store, names: readonly Reference[]): Promise<void> {
  for (const name of names) await untagLocal(store.directory, name, host.signal);
}
