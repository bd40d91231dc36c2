import type { Platform } from "../oci/descriptor.ts";
import type { Repository } from "../oci/reference.ts";
import type { RegistryClient } from "../registry/types.ts";
import type { Store } from "../store/types.ts";
import type { GhaAccess } from "./gha-service.ts";
import { type GuardedPlace, guardedPlace } from "./guarded-place.ts";
import { shownKey } from "./key.ts";
import { openPlace } from "./open-place.ts";
import { recordDirectory } from "./record-directory.ts";
import { type CacheSpec, placeOf } from "./spec.ts";
import type { CacheTrust } from "./trust.ts";
import type { BlobOrigin, BuildCache, CacheKey, CacheRecord, FindOptions, FoundRecord, RecordOf } from "./types.ts";

export interface BuildCacheOptions {
  /** Always read and written: `records/` in it. */
  readonly local: Store;
  /** Read in this order, after the local store. */
  readonly from: readonly CacheSpec[];
  readonly to: readonly CacheSpec[];
  readonly trust: CacheTrust;
  /** Whose manifests of a captured image belong to a record. */
  readonly platform: Platform;
  readonly client: RegistryClient;
  /** Undefined outside of a job of GitHub Actions. */
  readonly gha?: GhaAccess | undefined;
  /** Repositories that may hold a record's blobs already, so that a cache in the same registry mounts them. */
  readonly mountFrom?: readonly Repository[];
  readonly now: () => Date;
  readonly warn: (message: string) => void;
}

/** The local store and every cache that the user named, as one. */
export function createBuildCache(options: BuildCacheOptions): BuildCache {
  const { local, trust, warn } = options;
  const guard = (place: Parameters<typeof guardedPlace>[0]): GuardedPlace => guardedPlace(place, warn);
  const localName = "the local store";
  const own = guard({
    name: localName,
    store: (scope) => recordDirectory({ ...options, directory: local.directory, scope, name: localName }),
    close: async () => undefined,
  });
  const opened = new Map<string, GuardedPlace>();
  const supply = {
    store: local,
    platform: options.platform,
    origins: () => sources.flatMap(({ blobs }) => blobs ?? []),
  };
  const placeOptions = { ...options, supply, gha: options.gha, mountFrom: options.mountFrom ?? [] };
  const open = (spec: CacheSpec): GuardedPlace => {
    const known = opened.get(placeOf(spec)) ?? guard(openPlace(spec, placeOptions));
    opened.set(placeOf(spec), known);
    return known;
  };
  const sources = [...new Set(options.from.map(open))];
  const targets = [...new Set(options.to.map(open))];

  const find = async <Kind extends CacheRecord["kind"]>(
    kind: Kind,
    key: CacheKey,
    { signal, accepts = async () => true }: FindOptions<Kind>,
  ): Promise<FoundRecord<Kind> | undefined> => {
    for (const place of [own, ...sources]) {
      for (const { record } of await place.read(key, trust.reads, signal)) {
        if (!isOfKind(record, kind)) {
          warn(`${place.name}: the record of key ${shownKey(key)} is taken for absent: it is a ${record.kind} record`);
          continue;
        }
        const found = { record, from: place.name, origins: originsFrom(place) };
        if (!(await accepts(found))) continue;
        // Into the scope that this build may write, never into the one that it came from: who may name a cache to
        // read from may make anything of what is in there.
        if (place !== own && trust.writes !== undefined) {
          await own.write(record, trust.writes, { signal, replace: true });
        }
        return found;
      }
    }
    return undefined;
  };

  /** A blob that one place has lost may be in another. */
  const originsFrom = (place: GuardedPlace): readonly BlobOrigin[] =>
    [...new Set([place, ...sources])].flatMap(({ blobs }) => blobs ?? []);

  const save: BuildCache["save"] = async (record, options) => {
    const { writes } = trust;
    if (writes === undefined) return;
    await Promise.all([own, ...targets].map((place) => place.write(record, writes, options)));
  };

  return {
    find,
    save,
    async close() {
      await Promise.all([own, ...opened.values()].map((place) => place.close()));
    },
  };
}

function isOfKind<Kind extends CacheRecord["kind"]>(record: CacheRecord, kind: Kind): record is RecordOf<Kind> {
  return record.kind === kind;
}
