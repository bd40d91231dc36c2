import type { Digest } from "../oci/digest.ts";
import type { Scope } from "./trust.ts";
import type { CacheKey } from "./types.ts";

/** A record as lists show it, and as pruning judges it. */
export interface ListedRecord {
  readonly key: CacheKey;
  readonly scope: Scope;
  /** "step", "rootfs" or "launch"; in a registry whatever its manifest says. */
  readonly kind: string;
  /** A line for people. */
  readonly title: string;
  /** When a build last read it, or in a registry when it was written; undefined when nothing tells. */
  readonly used: Date | undefined;
  /** Bytes of the record itself, and in a registry of its manifest. */
  readonly ownSize: number;
  /** The blobs that it keeps, with their sizes in bytes. */
  readonly blobs: ReadonlyMap<Digest, number>;
}

/** Something among the records that is none, by its file or tag. It is nobody's to remove but the user's. */
export interface OtherEntry {
  readonly name: string;
  readonly why: string;
}

/** What one place holds. */
export interface CacheListing<Record extends ListedRecord = ListedRecord> {
  /** As the user wrote it. */
  readonly place: string;
  /** Those that were used last come first. */
  readonly records: readonly Record[];
  readonly others: readonly OtherEntry[];
}

/** Bytes of a record with everything that it keeps. */
export function sizeOfRecord({ ownSize, blobs }: ListedRecord): number {
  return ownSize + sum(blobs.values());
}

/** Bytes of several records; what two of them keep is counted once. */
export function sizeOfRecords(records: readonly ListedRecord[]): number {
  const blobs = new Map(records.flatMap((record) => [...record.blobs]));
  return sum(records.map(({ ownSize }) => ownSize)) + sum(blobs.values());
}

/** The newest first; those of unknown age count as the oldest, and equal ones stand by key. */
export function byUse(left: ListedRecord, right: ListedRecord): number {
  const later = (right.used?.getTime() ?? 0) - (left.used?.getTime() ?? 0);
  return later !== 0 ? later : left.key < right.key ? -1 : 1;
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const each of numbers) total += each;
  return total;
}
