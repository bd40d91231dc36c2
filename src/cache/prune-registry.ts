import pLimit from "p-limit";
import { KubefileError } from "../error.ts";
import { forEachParallel } from "../image/parallel.ts";
import { registryFailure } from "../image/registry-failure.ts";
import type { Digest } from "../oci/digest.ts";
import { formatRepository } from "../oci/reference.ts";
import { RegistryError } from "../registry/errors.ts";
import { type ListRegistryOptions, listRegistry, type RecordTag, type RegistryListing } from "./list-registry.ts";
import { type OtherEntry, sizeOfRecords } from "./listing.ts";
import { chooseRecords, type PruneRule } from "./prune-rule.ts";
import { isMissing } from "./registry-record.ts";

export interface PrunedRegistry {
  /** As the user wrote it. */
  readonly place: string;
  readonly removed: readonly RecordTag[];
  readonly kept: readonly RecordTag[];
  /** Tags that look like records and are none, and records that could not go without a tag of somebody else's. */
  readonly others: readonly OtherEntry[];
  /** What the registry can give back when it next collects what nothing refers to; what other tags keep is not known. */
  readonly bytes: number;
}

export interface PruneRegistryOptions extends ListRegistryOptions {
  readonly rule: PruneRule;
  /** Says what would be removed. */
  readonly dryRun: boolean;
  readonly now: () => Date;
}

const DELETIONS_AT_ONCE = 4;
const QUESTIONS_AT_ONCE = 8;

/**
 * Removes records of a `type=registry`: their manifests, by digest, so that a tag that a build has moved meanwhile
 * stays. A manifest goes with all its tags; one that somebody else has tagged as well is left.
 *
 * @throws KubefileError REGISTRY, also when the registry lets nothing be deleted
 */
export async function pruneRegistry(options: PruneRegistryOptions): Promise<PrunedRegistry> {
  const { spec, client, rule, dryRun, now, signal } = options;
  const { repository } = spec;
  const remove = async (digest: Digest, signal: AbortSignal): Promise<void> => {
    if ((await client.deleteManifest(repository, digest, { signal })) === "refused") throw deletesNothing(options);
  };
  const listing = await listRegistry(options);
  const chosen = chooseRecords(listing.records, rule, now().getTime());
  const tagged = new Map(chosen.kept.map(({ digest, tag }) => [digest, tag]));
  if (chosen.removed.length > 0)
    for (const [digest, tag] of await foreignDigests(options, listing)) tagged.set(digest, tag);
  const left = chosen.removed.filter(({ digest }) => tagged.has(digest));
  const removed = chosen.removed.filter(({ digest }) => !tagged.has(digest));
  if (!dryRun) {
    // The first alone: where nothing may be deleted, one question is enough.
    const [first, ...others] = new Set(removed.map(({ digest }) => digest));
    try {
      if (first !== undefined) await remove(first, signal);
      await forEachParallel(others, DELETIONS_AT_ONCE, signal, remove);
    } catch (error) {
      throw deletionFailure(error, options);
    }
  }
  const kept = [...chosen.kept, ...left];
  return {
    place: listing.place,
    removed,
    kept,
    others: [
      ...listing.others,
      ...left.map(({ tag, digest }) => ({ name: tag, why: `the tag ${tagged.get(digest)} stands for the same` })),
    ],
    bytes: sizeOfRecords([...kept, ...removed]) - sizeOfRecords(kept),
  };
}

/** What the tags stand for that are none of our records. */
async function foreignDigests(
  { spec: { repository }, client, signal }: PruneRegistryOptions,
  { foreignTags }: RegistryListing,
): Promise<ReadonlyMap<Digest, string>> {
  const limit = pLimit(QUESTIONS_AT_ONCE);
  const resolve = async (tag: string): Promise<readonly [Digest, string][]> => {
    try {
      return [[(await client.resolve(repository, tag, { signal })).digest, tag]];
    } catch (error) {
      if (isMissing(error)) return [];
      throw registryFailure("fetch", repository.host, error);
    }
  };
  return new Map((await Promise.all(foreignTags.map((tag) => limit(() => resolve(tag))))).flat());
}

function deletionFailure(error: unknown, { spec: { repository } }: PruneRegistryOptions): unknown {
  if (!(error instanceof RegistryError)) return error;
  const name = formatRepository(repository);
  if ([401, 403].includes(error.status)) {
    return new KubefileError("REGISTRY", `cannot delete from ${name}: ${error.message}`, {
      hint: `log in with docker login ${repository.host} as somebody who may delete there`,
      cause: error,
    });
  }
  return registryFailure("push", repository.host, error);
}

function deletesNothing({ spec: { repository } }: PruneRegistryOptions): KubefileError {
  const name = formatRepository(repository);
  return new KubefileError("REGISTRY", `registry ${repository.host} lets nothing be deleted from ${name}`, {
    hint: "allow it there (distribution: REGISTRY_STORAGE_DELETE_ENABLED=true), or remove tags by the registry's own rules or API; docs/cache.md has more",
  });
}
