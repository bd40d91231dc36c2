import pLimit from "p-limit";
import { registryFailure } from "../image/registry-failure.ts";
import type { Digest } from "../oci/digest.ts";
import { RegistryError } from "../registry/errors.ts";
import type { RegistryClient } from "../registry/types.ts";
import { byUse, type CacheListing, type ListedRecord, type OtherEntry } from "./listing.ts";
import { readRecordManifest } from "./record-manifest.ts";
import { isMissing } from "./registry-record.ts";
import { parseRecordTag } from "./registry-tag.ts";
import type { RegistryCacheSpec } from "./spec.ts";

/** A record of a registry. */
export interface RecordTag extends ListedRecord {
  readonly tag: string;
  /** Of its manifest. */
  readonly digest: Digest;
}

export interface RegistryListing extends CacheListing<RecordTag> {
  /** Every tag of the repository that is no record of this prefix. */
  readonly foreignTags: readonly string[];
}

export interface ListRegistryOptions {
  readonly spec: RegistryCacheSpec;
  readonly client: RegistryClient;
  readonly signal: AbortSignal;
}

const MANIFESTS_AT_ONCE = 8;

/**
 * The records of a `type=registry`: of the repository's tags those with the prefix that stand for what a record's
 * manifest is. One manifest is read for each.
 *
 * @throws KubefileError REGISTRY
 */
export async function listRegistry({ spec, client, signal }: ListRegistryOptions): Promise<RegistryListing> {
  const { repository, prefix, written: place } = spec;
  const limit = pLimit(MANIFESTS_AT_ONCE);
  try {
    const tags = await client.tags(repository, { signal }).catch(noneWhenMissing);
    const read = await Promise.all(tags.toSorted().map((tag) => limit(() => readTag({ spec, client, signal }, tag))));
    const records = read.flatMap((found) => (found !== undefined && "record" in found ? [found.record] : []));
    const others = read.flatMap((found): OtherEntry[] =>
      found !== undefined && "problem" in found ? [{ name: found.tag, why: found.problem }] : [],
    );
    const known = new Set(records.map(({ tag }) => tag));
    const foreignTags = tags.filter((tag) => !known.has(tag) && parseRecordTag(prefix, tag) === undefined);
    return {
      place,
      records: records.sort(byUse),
      others,
      foreignTags: [...foreignTags, ...others.map(({ name }) => name)].sort(),
    };
  } catch (error) {
    throw registryFailure("fetch", repository.host, error);
  }
}

/** Undefined for the tags of others, and for one that is gone by now. */
async function readTag(
  { spec: { repository, prefix }, client, signal }: ListRegistryOptions,
  tag: string,
): Promise<{ readonly record: RecordTag } | { readonly tag: string; readonly problem: string } | undefined> {
  const named = parseRecordTag(prefix, tag);
  if (named === undefined) return undefined;
  const manifest = await client.manifest(repository, tag, { signal }).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (manifest === undefined) return undefined;
  const read = readRecordManifest(manifest.bytes);
  if ("problem" in read) return { tag, problem: read.problem };
  const { content, kind, title, scope, created, blobs } = read.entry;
  if (scope !== named.scope) return { tag, problem: `it is ${scope}` };
  const ownSize = manifest.bytes.byteLength + content.size;
  return { record: { ...named, tag, digest: manifest.digest, kind, title, used: created, ownSize, blobs } };
}

/** A repository that nothing was pushed to yet. */
function noneWhenMissing(error: unknown): readonly string[] {
  if (error instanceof RegistryError && error.status === 404) return [];
  throw error;
}
