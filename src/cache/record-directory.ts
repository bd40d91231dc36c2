import { constants } from "node:fs";
import { link, mkdir, open, rename, rm, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ownIdentity } from "../process/process-identity.ts";
import { ownedFileName } from "../store/file-owner.ts";
import { storageError } from "../store/ingest.ts";
import { shownKey } from "./key.ts";
import { decodeRecord, encodeRecord, MAX_RECORD_BYTES, tooLarge } from "./record.ts";
import type { Scope } from "./trust.ts";
import type { CacheKey, CacheRecord, RecordStore } from "./types.ts";

export interface RecordDirectoryOptions {
  /** Of a store, or made like one. */
  readonly directory: string;
  readonly scope: Scope;
  readonly name: string;
  readonly now: () => Date;
  readonly warn: (message: string) => void;
}

/** One file a record below `records/`: whole or absent, whoever writes at the same time, and whenever power fails. */
export function recordDirectory(options: RecordDirectoryOptions): RecordStore {
  const { directory, scope, name, now, warn } = options;
  const pathOf = (key: CacheKey): string => recordPath(directory, scope, key);
  const failed = (error: unknown): never => {
    throw storageError({ directory }, error);
  };

  const read: RecordStore["read"] = async (key, { signal }) => {
    signal.throwIfAborted();
    const found = await readRecordFile(pathOf(key), key).catch(failed);
    if (found === undefined) return undefined;
    if ("record" in found) {
      // Pruning goes by it. A directory that may only be read does not tell when its records were used.
      await utimes(pathOf(key), now(), now()).catch(() => undefined);
      return found.record;
    }
    warn(`${name}: the record of key ${shownKey(key)} is taken for absent: ${found.problem}`);
    return undefined;
  };

  const write: RecordStore["write"] = async (record, { signal, replace = false }) => {
    signal.throwIfAborted();
    const bytes = encodeRecord(record);
    const path = pathOf(record.key);
    const found = await readRecordFile(path, record.key).catch(failed);
    if (found !== undefined && "record" in found) {
      if (!replace || encodeRecord(found.record).equals(bytes)) return "exists";
    }
    return writeFileOnce(directory, path, bytes, found === undefined && !replace).catch(failed);
  };

  return { name, read, write };
}

export function recordPath(directory: string, scope: Scope, key: CacheKey): string {
  return join(directory, "records", scope, `${key}.json`);
}

/** Undefined when there is none. Whoever else may write to the directory may have put anything there. */
export async function readRecordFile(
  path: string,
  key: CacheKey,
): Promise<{ readonly record: CacheRecord } | { readonly problem: string } | undefined> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    if (code === "ELOOP" || code === "ENXIO") return { problem: "it is no regular file" };
    throw error;
  }
  try {
    const found = await file.stat();
    if (!found.isFile()) return { problem: "it is no regular file" };
    if (found.size > MAX_RECORD_BYTES) return { problem: tooLarge(found.size) };
    return decodeRecord(await file.readFile(), key);
  } finally {
    await file.close();
  }
}

/** @param keepsOther of two that write a new record at the same time, the first one's stays */
async function writeFileOnce(
  directory: string,
  path: string,
  bytes: Buffer,
  keepsOther: boolean,
): Promise<"written" | "exists"> {
  const ingest = join(directory, "ingest");
  await mkdir(dirname(path), { recursive: true });
  await mkdir(ingest, { recursive: true });
  // Named for its owner: what a killed process leaves is swept when the store is next opened.
  const partial = join(ingest, ownedFileName(await ownIdentity()));
  try {
    const file = await open(partial, "wx", 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    if (keepsOther && !(await linkUnlessThere(partial, path))) return "exists";
    if (!keepsOther) await rename(partial, path);
    await syncDirectory(dirname(path));
    return "written";
  } finally {
    await rm(partial, { force: true });
  }
}

/** Gives the file its name in one step that never takes it from another; false when another has it. */
async function linkUnlessThere(partial: string, path: string): Promise<boolean> {
  try {
    await link(partial, path);
    return true;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EEXIST") return false;
    // Some network file systems know no hard links. Equal keys have equal records: replacing does no harm.
    await rename(partial, path);
    return true;
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
