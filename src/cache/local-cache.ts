import { stat } from "node:fs/promises";
import { join } from "node:path";
import { KubefileError } from "../error.ts";
import { forEachParallel } from "../image/parallel.ts";
import { isDiskFull } from "../process/disk-full.ts";
import { ownIdentity } from "../process/process-identity.ts";
import { type Lease, takeLease } from "../store/lease.ts";
import { openStore } from "../store/store.ts";
import type { Store } from "../store/types.ts";
import { layoutBlobs } from "./layout-blobs.ts";
import type { Place } from "./place.ts";
import { type BlobSupply, blobsOf, supplyBlob } from "./record-blobs.ts";
import { recordDirectory } from "./record-directory.ts";
import type { LocalCacheSpec } from "./spec.ts";
import type { RecordStore } from "./types.ts";

const PARALLEL = 4;

export interface LocalCacheOptions {
  readonly spec: LocalCacheSpec;
  readonly supply: BlobSupply;
  readonly now: () => Date;
  readonly warn: (message: string) => void;
}

/**
 * `type=local`: a directory like the local store's, an OCI layout with `records/` in it. Any number of builds may read
 * and write it at the same time.
 */
export function localCache({ spec, supply, now, warn }: LocalCacheOptions): Place {
  const { directory, written: name } = spec;
  const blobs = layoutBlobs(directory, name);
  let target: Promise<Store> | undefined;
  const openTarget = (): Promise<Store> => {
    target ??= openStore(directory);
    return target;
  };
  let lease: Promise<Lease | undefined> | undefined;
  /** Nothing is to be removed beneath a build that reads. A directory that it may not write to is taken as it is. */
  const holdBlobs = async (): Promise<void> => {
    lease ??= ownIdentity()
      .then((owner) => takeLease(directory, owner, {}))
      .catch(() => undefined);
    await lease;
  };

  const store = (scope: Parameters<Place["store"]>[0]): RecordStore => {
    const records = recordDirectory({ directory, scope, name, now, warn });
    return {
      ...records,
      blobs,
      async read(key, options) {
        await requireDirectory(directory);
        if (await hasRecords(directory)) await holdBlobs();
        return records.read(key, options);
      },
      async write(record, options) {
        const { store: from } = supply;
        const to = await intoDirectory(directory, openTarget());
        const wanted = await blobsOf(record, supply, options.signal);
        await forEachParallel(wanted, PARALLEL, options.signal, async ({ digest, size }, signal) => {
          if ((await to.has(digest))?.size === size) return;
          await supplyBlob(record, { digest, size }, supply, signal);
          const { stream } = await from.open(digest);
          await intoDirectory(directory, to.write(stream, { expected: digest, size, signal }));
        });
        // Last: whoever finds the record finds its blobs.
        return intoDirectory(directory, records.write(record, options));
      },
    };
  };

  return {
    name,
    store,
    async close() {
      await (await lease)?.release();
      await (await target?.catch(() => undefined))?.close();
    },
  };
}

/**
 * A misspelt path looks like an empty cache otherwise.
 *
 * @throws KubefileError STORE_UNUSABLE
 */
export async function requireDirectory(directory: string): Promise<void> {
  const found = await stat(directory).catch(() => undefined);
  if (found?.isDirectory() === true) return;
  throw new KubefileError("STORE_UNUSABLE", `there is no directory ${directory}`, {
    hint: "the first build that writes it with --cache-to makes it",
  });
}

/** A cache is no store of the user's: where there is no room for it, `--store` is no help. */
async function intoDirectory<T>(directory: string, writing: Promise<T>): Promise<T> {
  return writing.catch((error: unknown) => {
    const isFull = isDiskFull(error) || (error instanceof KubefileError && error.code === "DISK_SHORT");
    if (!isFull) throw error;
    throw new KubefileError("DISK_SHORT", `no space left in ${directory}`, {
      hint: "free some space there, or remove records with kubefile cache prune",
      cause: error,
    });
  });
}

async function hasRecords(directory: string): Promise<boolean> {
  return (await stat(join(directory, "records")).catch(() => undefined)) !== undefined;
}
