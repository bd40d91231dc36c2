import type { Platform } from "../oci/descriptor.ts";
import type { Repository } from "../oci/reference.ts";
import type { RegistryClient } from "../registry/types.ts";
import type { Store } from "../store/types.ts";
import type { GhaAccess } from "./gha-service.ts";
import { givenRecords } from "./given-records.ts";
import { type GuardedPlace, guardedPlace } from "./guarded-place.ts";
import { shownKey } from "./key.ts";
import { openPlace } from "./open-place.ts";
import { recordDirectory } from "./record-directory.ts";
import { recordGiver } from "./record-giver.ts";
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
  const targets = new Map(options.to.map((spec) => [placeOf(spec), open(spec)]));
  const given = givenRecords(local.directory, options.now);
  const giver = trust.writes === undefined ? undefined : recordGiver({ places: targets, given, scope: trust.writes });

  const find = async <Kind extends CacheRecord["kind"]>(
    kind: Kind,
    key: CacheKey,
    { signal, accepts = async () => true }: FindOptions<Kind>,
  ): Promise<FoundRecord<Kind> | undefined> => {
    for (const place of [own, ...sources]) {
      for (const { scope, record } of await place.read(key, trust.reads, signal)) {
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
        // What comes from afar is where other builds find it, too; what was here may be nowhere else.
        if (place === own) giver?.offer(record, { signal });
        const target = [...targets].find(([, other]) => other === place);
        if (target !== undefined) await given.add({ place: target[0], scope, key });
        return found;
      }
    }
    return undefined;
  };

  /** A blob that one place has lost may be in another. */
  const originsFrom = (place: GuardedPlace): readonly BlobOrigin[] =>
    [...new Set([place, ...sources])].flatMap(({ blobs }) => blobs ?? []);

  const save: BuildCache["save"] = async (record, options) => {
    if (trust.writes === undefined) return;
    await Promise.all([own.write(record, trust.writes, options), giver?.give(record, options)]);
  };

  return {
    find,
    save,
    async close() {
      await giver?.done();
      await Promise.all([own, ...opened.values()].map((place) => place.close()));
    },
  };
}

function isOfKind<Kind extends CacheRecord["kind"]>(record: CacheRecord, kind: Kind): record is RecordOf<Kind> {
  return record.kind === kind;
}
