import { byUse, type ListedRecord } from "./listing.ts";

/** Which records go. One that any of these names goes; without any of them none does. */
export interface PruneRule {
  /** Milliseconds: those that were not used for longer. */
  readonly olderThan?: number | undefined;
  /** A number of records: all but those used last. */
  readonly keep?: number | undefined;
  /** Bytes: all from the first on, the last used standing first, with which they take more room than this. */
  readonly keepBytes?: number | undefined;
  readonly all: boolean;
}

export interface Chosen<Record extends ListedRecord> {
  readonly removed: readonly Record[];
  readonly kept: readonly Record[];
}

/** @param now milliseconds since the epoch */
export function chooseRecords<Record extends ListedRecord>(
  records: readonly Record[],
  { olderThan = Number.POSITIVE_INFINITY, keep = Number.POSITIVE_INFINITY, keepBytes, all }: PruneRule,
  now: number,
): Chosen<Record> {
  const removed: Record[] = [];
  const kept: Record[] = [];
  const room = new Room(keepBytes ?? Number.POSITIVE_INFINITY);
  for (const record of records.toSorted(byUse)) {
    const isOld = now - (record.used?.getTime() ?? Number.NEGATIVE_INFINITY) > olderThan;
    const stays = !all && !isOld && kept.length < keep && room.takes(record);
    (stays ? kept : removed).push(record);
  }
  return { removed, kept };
}

/** Bytes that are left; a blob that several records keep takes them once. */
class Room {
  readonly #blobs = new Set<string>();
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** Once one has not fitted, none does: what is used least goes first, however small it is. */
  takes({ ownSize, blobs }: ListedRecord): boolean {
    const added = [...blobs].filter(([digest]) => !this.#blobs.has(digest));
    const needed = added.reduce((sum, [, size]) => sum + size, ownSize);
    if (needed > this.#left) {
      this.#left = Number.NEGATIVE_INFINITY;
      return false;
    }
    this.#left -= needed;
    for (const [digest] of added) this.#blobs.add(digest);
    return true;
  }
}
