import { open, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { KubefileError } from "../error.ts";
import { blobGraph } from "../image/reachable.ts";
import type { Digest } from "../oci/digest.ts";
import { withExclusiveStore } from "../store/exclusive.ts";
import { storageError } from "../store/ingest.ts";
import { blobPath, layoutOf } from "../store/layout.ts";
import { readStore } from "../store/store.ts";
import { sweepIngest } from "../store/sweep.ts";
import { blobUse } from "./blob-use.ts";
import { sweepGivenRecords } from "./given-records.ts";
import { listDirectory, type RecordFile } from "./list-directory.ts";
import type { OtherEntry } from "./listing.ts";
import { chooseRecords, type PruneRule } from "./prune-rule.ts";

export interface Pruned {
  /** As the user wrote it. */
  readonly place: string;
  readonly removed: readonly RecordFile[];
  readonly kept: readonly RecordFile[];
  /** What lies among the records and is none; it stays. */
  readonly others: readonly OtherEntry[];
  /** Files of blobs that nothing leads to any more. */
  readonly blobs: number;
  /** Of records and blobs. */
  readonly bytes: number;
}

export interface PruneDirectoryOptions {
  /** Absolute path. */
  readonly directory: string;
  readonly name: string;
  readonly rule: PruneRule;
  /** Says what would be removed. */
  readonly dryRun: boolean;
  readonly now: () => Date;
  readonly signal: AbortSignal;
}

/**
 * Removes records of the local store or of a `type=local`, and then every blob that nothing leads to. At whatever moment
 * it is killed, what is left of records and tags is whole: a record goes before its blobs do.
 *
 * @throws KubefileError STORE_BUSY when somebody uses the store, STORE_UNUSABLE when it is none, or cannot be written
 */
export async function pruneDirectory(options: PruneDirectoryOptions): Promise<Pruned> {
  const { directory, dryRun, signal } = options;
  await requireLayout(directory);
  // What is only looked at may be in use.
  if (dryRun) return prune(options, []);
  return withExclusiveStore(directory, signal, (pins) => prune(options, pins));
}

async function prune(options: PruneDirectoryOptions, pins: readonly Digest[]): Promise<Pruned> {
  const { directory, name, rule, dryRun, signal } = options;
  const now = options.now().getTime();
  const graph = blobGraph(readStore(directory));
  const { records, others } = await listDirectory({ directory, name, graph, signal });
  const { removed, kept } = chooseRecords(records, rule, now);
  if (!dryRun) await removeRecords(directory, removed);
  if (!dryRun) await sweepGivenRecords(directory, kept, options.now());
  if (!dryRun) await sweepIngest(layoutOf(directory), now);
  const { unused } = await blobUse({ directory, graph, records: kept, pins, now, signal });
  if (!dryRun) await removeBlobs(directory, unused.keys(), signal);
  const bytes = [...removed.map(({ ownSize }) => ownSize), ...unused.values()].reduce((sum, size) => sum + size, 0);
  return { place: name, removed, kept, others, blobs: unused.size, bytes };
}

/** Other tools keep blobs in directories of this name, too, and for them nothing in it would lead anywhere. */
async function requireLayout(directory: string): Promise<void> {
  if ((await stat(join(directory, "oci-layout")).catch(() => undefined))?.isFile() === true) return;
  throw new KubefileError("STORE_UNUSABLE", `${directory} is neither a store nor a cache: it has no file oci-layout`, {
    hint: "name the directory that builds use, with --store or type=local",
  });
}

/** Gone for good when this returns, also when power fails: a record without its blobs would not be noticed here. */
async function removeRecords(directory: string, records: readonly RecordFile[]): Promise<void> {
  try {
    for (const { path } of records) await rm(path, { force: true });
    for (const parent of new Set(records.map(({ path }) => dirname(path)))) {
      const opened = await open(parent, "r");
      await opened.sync().finally(() => opened.close());
    }
  } catch (error) {
    throw storageError({ directory }, error);
  }
}

async function removeBlobs(directory: string, digests: Iterable<Digest>, signal: AbortSignal): Promise<void> {
  const layout = layoutOf(directory);
  for (const digest of digests) {
    signal.throwIfAborted();
    await rm(blobPath(layout, digest), { force: true }).catch((error: unknown) => {
      throw storageError(layout, error);
    });
  }
}
