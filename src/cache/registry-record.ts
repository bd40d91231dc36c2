import { addAbortSignal } from "node:stream";
import { digestOf } from "../oci/digest.ts";
import type { Repository } from "../oci/reference.ts";
import { readAtMost } from "../process/read-at-most.ts";
import { RegistryError } from "../registry/errors.ts";
import type { ManifestContent, RegistryClient } from "../registry/types.ts";
import { decodeRecord } from "./record.ts";
import { type RecordEntry, readRecordManifest } from "./record-manifest.ts";
import { parseRecordTag } from "./registry-tag.ts";
import type { CacheRecord } from "./types.ts";

export interface RegistryRecord {
  readonly record: CacheRecord;
  readonly entry: RecordEntry;
}

export interface TaggedRecord {
  readonly client: RegistryClient;
  readonly repository: Repository;
  readonly prefix: string;
  readonly tag: string;
  readonly signal: AbortSignal;
}

/**
 * Reads the record of a tag. Undefined when there is none; what is there and is no record of this tag's scope and key
 * is a problem.
 *
 * @throws RegistryError when the registry does not answer, or refuses
 */
export async function readRegistryRecord(
  from: TaggedRecord,
): Promise<RegistryRecord | { readonly problem: string } | undefined> {
  const { client, repository, signal } = from;
  const manifest = await readManifest(from);
  if (manifest === undefined) return undefined;
  const read = readRecordManifest(manifest.bytes);
  if ("problem" in read) return read;
  const { entry } = read;
  const named = parseRecordTag(from.prefix, from.tag);
  if (named === undefined) return { problem: "its tag is no record's" };
  if (entry.scope !== named.scope) return { problem: `it is ${entry.scope}` };
  const { digest, size } = entry.content;
  let bytes: Buffer | undefined;
  try {
    const blob = await client.blob(repository, digest, { signal });
    if (blob.size !== size) {
      blob.stream.destroy();
      return { problem: `its content has ${blob.size} bytes, not ${size}` };
    }
    // What is sent in chunks, or compressed, may have no end.
    bytes = await readAtMost(addAbortSignal(signal, blob.stream), size);
  } catch (error) {
    if (isMissing(error)) return { problem: `its content ${digest} is gone` };
    throw error;
  }
  if (bytes === undefined) return { problem: `its content has more than ${size} bytes` };
  if (digestOf(bytes) !== digest) return { problem: `its content is not ${digest}` };
  const decoded = decodeRecord(bytes, named.key);
  return "problem" in decoded ? decoded : { record: decoded.record, entry };
}

async function readManifest({ client, repository, tag, signal }: TaggedRecord): Promise<ManifestContent | undefined> {
  try {
    return await client.manifest(repository, tag, { signal });
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof RegistryError && error.status === 404;
}
