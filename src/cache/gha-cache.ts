import { digestOf, hexOf } from "../oci/digest.ts";
import { createGhaService, type GhaAccess, type GhaService } from "./gha-service.ts";
import { shownKey } from "./key.ts";
import { type Place, PlaceUnusable } from "./place.ts";
import { decodeRecord, encodeRecord, MAX_RECORD_BYTES } from "./record.ts";
import { recordTag } from "./registry-tag.ts";
import type { GithubCacheSpec } from "./spec.ts";
import type { Scope } from "./trust.ts";
import type { CacheKey, CacheRecord, RecordStore } from "./types.ts";

/** What the service calls a version: entries of another are not found. */
const VERSION = hexOf(digestOf("kubefile cache record 1"));
const SUFFIX_LENGTH = 12;

export interface GhaCacheOptions {
  readonly spec: GithubCacheSpec;
  /** Undefined outside of a job that was given access. */
  readonly access: GhaAccess | undefined;
  readonly now: () => Date;
  readonly warn: (message: string) => void;
}

/**
 * `type=gha`: one entry a record, without blobs. Entries cannot be overwritten, and of those that begin alike the
 * service finds the newest: so an entry's key is the record's tag and a suffix, and a record that replaces another has
 * another suffix.
 */
export function ghaCache({ spec, access, now, warn }: GhaCacheOptions): Place {
  const { prefix, written: name } = spec;
  let opened: GhaService | undefined;
  const open = (): GhaService => {
    if (access === undefined) throw noAccess();
    opened ??= createGhaService(access, VERSION);
    return opened;
  };

  const readQuietly = async (
    scope: Scope,
    key: CacheKey,
    signal: AbortSignal,
  ): Promise<{ readonly record: CacheRecord } | { readonly problem: string } | undefined> => {
    const service = open();
    const beginning = `${recordTag(prefix, scope, key)}-`;
    const entry = await service.find(beginning, beginning, signal);
    if (entry === undefined) return undefined;
    if (!entry.key.startsWith(beginning)) return { problem: `the service answered with another entry` };
    const bytes = await service.download(entry, MAX_RECORD_BYTES, signal);
    return bytes === undefined ? undefined : decodeRecord(bytes, key);
  };

  const store = (scope: Scope): RecordStore => ({
    name,

    async read(key, { signal }) {
      const found = await readQuietly(scope, key, signal);
      if (found === undefined || "record" in found) return found?.record;
      warn(`${name}: the record of key ${shownKey(key)} is taken for absent: ${found.problem}`);
      return undefined;
    },

    async write(record, { signal, replace = false }) {
      const bytes = encodeRecord(record);
      const found = await readQuietly(scope, record.key, signal);
      if (found !== undefined && "record" in found) {
        if (!replace || encodeRecord(found.record).equals(bytes)) return "exists";
      }
      // Of equal records that several builds write at the same time, one is kept. One that comes back after another
      // needs an entry of its own, since the newest counts.
      const digest = hexOf(digestOf(bytes)).slice(0, SUFFIX_LENGTH);
      const suffix = found === undefined ? digest : `${digest}-${now().getTime()}`;
      return open().save(`${recordTag(prefix, scope, record.key)}-${suffix}`, bytes, signal);
    },
  });

  return { name, store, close: async () => undefined };
}

function noAccess(): PlaceUnusable {
  return new PlaceUnusable(
    "USAGE",
    "ACTIONS_RESULTS_URL and ACTIONS_RUNTIME_TOKEN are not set: GitHub gives them to actions, not to run: steps",
    { hint: "build with this project's action, or use type=registry" },
  );
}
