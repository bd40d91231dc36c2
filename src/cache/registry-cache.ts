import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { forEachParallel } from "../image/parallel.ts";
import { isPassing } from "../image/passing-refusal.ts";
import type { ProfileName } from "../image/profiles.ts";
import { refusesTypes } from "../image/push.ts";
import { registryFailure } from "../image/registry-failure.ts";
import { digestOf } from "../oci/digest.ts";
import { OCI_MANIFEST } from "../oci/media-types.ts";
import type { Repository } from "../oci/reference.ts";
import type { BlobSource, RegistryClient } from "../registry/types.ts";
import { shownKey } from "./key.ts";
import type { Place } from "./place.ts";
import { encodeRecord } from "./record.ts";
import { type BlobSupply, blobsOf, type RecordBlob, supplyBlob } from "./record-blobs.ts";
import { writeRecordManifest } from "./record-manifest.ts";
import { readRegistryRecord, type TaggedRecord } from "./registry-record.ts";
import { recordTag } from "./registry-tag.ts";
import type { RegistryCacheSpec } from "./spec.ts";
import type { Scope } from "./trust.ts";
import type { BlobOrigin, CacheKey, CacheRecord, RecordStore } from "./types.ts";

const PARALLEL = 4;
const TRIES = 5;
const PAUSE_MILLISECONDS = 100;

export interface RegistryCacheOptions {
  readonly spec: RegistryCacheSpec;
  readonly client: RegistryClient;
  readonly supply: BlobSupply;
  /** Repositories that may hold any record's blobs. */
  readonly mountFrom: readonly Repository[];
  readonly now: () => Date;
  readonly warn: (message: string) => void;
}

/** `type=registry`: one tag a record, with its blobs beneath it. */
export function registryCache(options: RegistryCacheOptions): Place {
  const { spec, client, now, warn } = options;
  const { repository, prefix, written: name } = spec;
  /** What the registry was found to take; asked once. */
  let profile: ProfileName = "native";

  const tagged = (scope: Scope, key: CacheKey, signal: AbortSignal): TaggedRecord => {
    return { client, repository, prefix, tag: recordTag(prefix, scope, key), signal };
  };

  const store = (scope: Scope): RecordStore => ({
    name,
    blobs: registryBlobs(client, repository, name),

    async read(key, { signal }) {
      try {
        const found = await retryPassing(() => readRegistryRecord(tagged(scope, key, signal)), signal);
        if (found === undefined || "record" in found) return found?.record;
        warn(`${name}: the record of key ${shownKey(key)} is taken for absent: ${found.problem}`);
        return undefined;
      } catch (error) {
        throw registryFailure("fetch", repository.host, error);
      }
    },

    async write(record, { signal, replace = false }) {
      const bytes = encodeRecord(record);
      const place = tagged(scope, record.key, signal);
      try {
        const found = await retryPassing(() => readRegistryRecord(place), signal);
        const known = found !== undefined && "record" in found ? found.record : undefined;
        if (known !== undefined && !replace) return "exists";
        const blobs = await blobsOf(record, options.supply, signal);
        if (known !== undefined && encodeRecord(known).equals(bytes)) {
          // It could not be used as it is: its blobs may be gone.
          await sendBlobs(options, record, blobs, [], signal);
          return "exists";
        }
        const created = now();
        const put = async (): Promise<void> => {
          const manifest = writeRecordManifest(record, bytes, blobs, { scope, created, profile });
          await sendBlobs(options, record, blobs, manifest.small, signal);
          await client.pushManifest(repository, place.tag, OCI_MANIFEST, manifest.bytes, { signal });
        };
        try {
          await retryPassing(put, signal);
        } catch (error) {
          if (profile === "native" && refusesTypes(error)) {
            profile = "standard";
            await retryPassing(put, signal);
            return "written";
          }
          // Where tags cannot be moved, another build may have been faster.
          const other = replace ? undefined : await readRegistryRecord(place).catch(() => undefined);
          if (other !== undefined && "record" in other) return "exists";
          throw error;
        }
        return "written";
      } catch (error) {
        throw registryFailure("push", repository.host, error);
      }
    },
  });

  return { name, store, close: async () => undefined };
}

/** The blobs of a repository, for whoever goes on with a record that it has. */
export function registryBlobs(client: RegistryClient, repository: Repository, name: string): BlobOrigin {
  return {
    name,
    repository,
    has: async (digest, { signal }) => (await client.hasBlob(repository, digest, { signal })) !== undefined,
    fetcher: (digest) => (offset, signal) => client.blob(repository, digest, { offset, signal }),
  };
}

/** Again after what passes by itself. */
async function retryPassing<Result>(work: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (tries === TRIES || !isPassing(error)) throw error;
      await sleep(PAUSE_MILLISECONDS * 2 ** (tries - 1), undefined, { signal });
    }
  }
}

async function sendBlobs(
  { client, spec: { repository }, supply, mountFrom }: RegistryCacheOptions,
  record: CacheRecord,
  blobs: readonly RecordBlob[],
  small: readonly Buffer[],
  signal: AbortSignal,
): Promise<void> {
  const common = [...mountFrom, ...supply.origins().flatMap((origin) => origin.repository ?? [])];
  const sources = blobs.map(({ digest, size, repositories }): { blob: BlobSource; from: readonly Repository[] } => ({
    blob: {
      digest,
      size,
      async open() {
        await supplyBlob(record, { digest, size }, supply, signal);
        return (await supply.store.open(digest)).stream;
      },
    },
    from: [...common, ...repositories],
  }));
  const ownBlobs = small.map((bytes) => {
    const blob: BlobSource = {
      digest: digestOf(bytes),
      size: bytes.byteLength,
      open: async () => Readable.from([bytes], { objectMode: false }),
    };
    return { blob, from: [] };
  });
  await forEachParallel([...sources, ...ownBlobs], PARALLEL, signal, async ({ blob, from }, signal) => {
    const paths = from.filter(({ host }) => host === repository.host).map(({ path }) => path);
    await client.pushBlob(repository, blob, { signal, mountFrom: [...new Set(paths)] });
  });
}
