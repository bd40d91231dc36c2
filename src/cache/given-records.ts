import { mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestOf, hexOf } from "../oci/digest.ts";
import type { Scope } from "./trust.ts";
import type { CacheKey } from "./types.ts";

/** A place forgets: GitHub's cache after a week without use, a registry by a rule of its own. Then it is asked again. */
export const REMEMBERED_MILLISECONDS = 7 * 24 * 60 * 60 * 1000;
const PLACE_LENGTH = 12;

/** A record at a place, by what `placeOf` calls that. */
export interface GivenRecord {
  readonly place: string;
  readonly scope: Scope;
  readonly key: CacheKey;
}

/** Which records other places were given from here, so that a build need not ask each of them for each record. */
export interface GivenRecords {
  has(record: GivenRecord): Promise<boolean>;
  /** Loses nothing when it cannot be written: the place is asked once more. */
  add(record: GivenRecord): Promise<void>;
}

/** One empty file a record and place below `given/`; its time is when the place was last given the record. */
export function givenRecords(directory: string, now: () => Date): GivenRecords {
  const pathOf = ({ place, scope, key }: GivenRecord): string =>
    join(directory, "given", hexOf(digestOf(place)).slice(0, PLACE_LENGTH), `${scope}-${key}`);
  return {
    async has(record) {
      const found = await stat(pathOf(record)).catch(() => undefined);
      return found !== undefined && now().getTime() - found.mtimeMs < REMEMBERED_MILLISECONDS;
    },
    async add(record) {
      const path = pathOf(record);
      try {
        await mkdir(join(path, ".."), { recursive: true });
        await writeFile(path, "");
      } catch {
        // The build has done what matters.
      }
    },
  };
}

/** Forgets what is said of records that are not here any more, and what is too old to count. */
export async function sweepGivenRecords(
  directory: string,
  kept: readonly { readonly key: CacheKey }[],
  now: Date,
): Promise<void> {
  const keys = new Set<string>(kept.map(({ key }) => key));
  for (const place of await entriesOf(join(directory, "given"))) {
    for (const name of await entriesOf(join(directory, "given", place))) {
      const path = join(directory, "given", place, name);
      const found = await stat(path).catch(() => undefined);
      const counts = found !== undefined && now.getTime() - found.mtimeMs < REMEMBERED_MILLISECONDS;
      if (!counts || !keys.has(name.slice(name.indexOf("-") + 1))) await rm(path, { force: true });
    }
  }
}

async function entriesOf(directory: string): Promise<readonly string[]> {
  return readdir(directory).catch(() => []);
}
