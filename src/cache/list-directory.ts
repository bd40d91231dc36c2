import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { BlobGraph, BlobRoot } from "../image/reachable.ts";
import { storageError } from "../store/ingest.ts";
import { isCacheKey } from "./key.ts";
import { byUse, type CacheListing, type ListedRecord, type OtherEntry } from "./listing.ts";
import { readRecordFile } from "./record-directory.ts";
import { recordTitle } from "./record-title.ts";
import { isScope, type Scope, scopes } from "./trust.ts";
import type { CacheRecord } from "./types.ts";

/** A record of a directory. */
export interface RecordFile extends ListedRecord {
  readonly path: string;
  readonly roots: readonly BlobRoot[];
}

export interface ListDirectoryOptions {
  /** Of a store, or made like one. */
  readonly directory: string;
  readonly name: string;
  readonly graph: BlobGraph;
  readonly signal: AbortSignal;
}

/**
 * The records of the local store or of a `type=local`. A directory without any is an empty one.
 *
 * @throws KubefileError STORE_UNUSABLE when it cannot be read
 */
export async function listDirectory(options: ListDirectoryOptions): Promise<CacheListing<RecordFile>> {
  const { directory, name, signal } = options;
  const records: RecordFile[] = [];
  const others: OtherEntry[] = [];
  try {
    for (const entry of await entriesOf(join(directory, "records"))) {
      if (!isScope(entry)) others.push({ name: join("records", entry), why: "it is no scope of records" });
    }
    for (const scope of scopes) {
      for (const file of await entriesOf(join(directory, "records", scope))) {
        signal.throwIfAborted();
        const found = await readEntry(options, scope, file);
        if (found === undefined) continue;
        if ("record" in found) records.push(found.record);
        else others.push({ name: join("records", scope, file), why: found.problem });
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    throw storageError({ directory }, error);
  }
  return { place: name, records: records.sort(byUse), others };
}

async function readEntry(
  { directory, graph, signal }: ListDirectoryOptions,
  scope: Scope,
  file: string,
): Promise<{ readonly record: RecordFile } | { readonly problem: string } | undefined> {
  const key = file.replace(/\.json$/, "");
  if (!isCacheKey(key) || key === file) return { problem: "its name is no record's" };
  const path = join(directory, "records", scope, file);
  const read = await readRecordFile(path, key);
  if (read === undefined || "problem" in read) return read;
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return undefined;
  const { record } = read;
  const roots = rootsOf(record);
  const blobs = await graph.reach(roots, signal);
  const { kind } = record;
  return {
    record: {
      key,
      scope,
      kind,
      title: recordTitle(record),
      used: found.mtime,
      ownSize: found.size,
      blobs,
      path,
      roots,
    },
  };
}

/** The blobs that a record names. */
function rootsOf(record: CacheRecord): readonly BlobRoot[] {
  switch (record.kind) {
    case "step":
      return record.layer === undefined ? [] : [record.layer.descriptor];
    case "rootfs":
      return record.layers.map(({ descriptor }) => descriptor);
    case "launch":
      return record.images;
  }
}

async function entriesOf(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
