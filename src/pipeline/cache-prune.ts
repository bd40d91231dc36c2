import type { ListedRecord, OtherEntry } from "../cache/listing.ts";
import { pruneDirectory } from "../cache/prune-directory.ts";
import { pruneRegistry } from "../cache/prune-registry.ts";
import type { PruneRule } from "../cache/prune-rule.ts";
import type { CacheSpec } from "../cache/spec.ts";
import { KubefileError } from "../error.ts";
import { type CachePlace, cachePlaces } from "./cache-places.ts";
import type { Host } from "./host.ts";

export interface PruneOptions {
  /** None means the local store. */
  readonly specs: readonly CacheSpec[];
  readonly rule: PruneRule;
  readonly dryRun: boolean;
  readonly now: () => Date;
}

/** What came of one place, or would. */
export interface PrunedCache {
  readonly place: string;
  readonly removed: readonly ListedRecord[];
  readonly kept: readonly ListedRecord[];
  readonly others: readonly OtherEntry[];
  /** Of a directory: how many blobs went. A registry removes them itself, later. */
  readonly blobs?: number;
  /** That are free now, or in a registry will be at most. */
  readonly bytes: number;
}

/**
 * Removes records by a rule, and from directories also what nothing leads to. A place that fails keeps none of the
 * others from its turn.
 *
 * @param onPruned told of each place that was pruned
 * @throws KubefileError USAGE, UNSUPPORTED before anything is removed; what places failed with afterwards
 */
export async function pruneCaches(
  host: Host,
  { specs, rule, dryRun, now }: PruneOptions,
  onPruned: (pruned: PrunedCache) => void,
): Promise<void> {
  const places = await cachePlaces(host, specs);
  requireRule(places, rule);
  const failures: KubefileError[] = [];
  for (const place of places) {
    try {
      onPruned(await prunePlace(host, place, { rule, dryRun, now }));
    } catch (error) {
      host.signal.throwIfAborted();
      if (!(error instanceof KubefileError)) throw error;
      failures.push(error);
    }
  }
  const [first, ...others] = failures;
  if (first === undefined) return;
  if (others.length === 0) throw first;
  const hint = first.hint === undefined ? {} : { hint: first.hint };
  throw new KubefileError(first.code, failures.map(({ message }) => message).join("\n"), { ...hint, cause: first });
}

function prunePlace(
  { client, signal }: Host,
  place: CachePlace,
  options: Pick<PruneOptions, "rule" | "dryRun" | "now">,
): Promise<PrunedCache> {
  return place.type === "registry"
    ? pruneRegistry({ ...options, spec: place.spec, client, signal })
    : pruneDirectory({ ...options, directory: place.directory, name: place.name, signal });
}

function requireRule(places: readonly CachePlace[], { olderThan, keep, keepBytes, all }: PruneRule): void {
  const hasRule = all || [olderThan, keep, keepBytes].some((limit) => limit !== undefined);
  const registry = places.find((place) => place.type === "registry");
  if (hasRule || registry?.type !== "registry") return;
  throw new KubefileError("USAGE", `${registry.spec.written}: nothing says which records are to be removed`, {
    hint: "add --older-than 14d, --keep 200, --keep-bytes 10GB or --all",
  });
}
