import type { GivenRecords } from "./given-records.ts";
import type { GuardedPlace } from "./guarded-place.ts";
import type { Scope } from "./trust.ts";
import type { CacheRecord, WriteOptions } from "./types.ts";

/** Gives records to places, one after the other: one that takes the place of another comes after it. */
export interface RecordGiver {
  /** To every place. */
  give(record: CacheRecord, options: WriteOptions): Promise<void>;
  /** Beside the build, to the places that were not given it lately. */
  offer(record: CacheRecord, options: WriteOptions): void;
  /** Waits for what was offered. */
  done(): Promise<void>;
}

export interface RecordGiverOptions {
  /** By what `placeOf` calls them. */
  readonly places: ReadonlyMap<string, GuardedPlace>;
  readonly given: GivenRecords;
  readonly scope: Scope;
}

export function recordGiver({ places, given, scope }: RecordGiverOptions): RecordGiver {
  let last = Promise.resolve();

  const next = (work: (name: string, place: GuardedPlace) => Promise<void>): Promise<void> => {
    const done = last.then(async () => {
      await Promise.all([...places].map(([name, place]) => work(name, place)));
    });
    last = done.catch(() => undefined);
    return done;
  };
  const giveOne = async (place: GuardedPlace, name: string, record: CacheRecord, options: WriteOptions) => {
    if (await place.write(record, scope, options)) await given.add({ place: name, scope, key: record.key });
  };

  return {
    give: (record, options) => next((name, place) => giveOne(place, name, record, options)),
    offer(record, options) {
      const offered = next(async (name, place) => {
        if (await given.has({ place: name, scope, key: record.key })) return;
        await giveOne(place, name, record, options);
      });
      // A cache fails no build; what is thrown is an abort, which the build itself meets.
      offered.catch(() => undefined);
    },
    done: () => last,
  };
}
