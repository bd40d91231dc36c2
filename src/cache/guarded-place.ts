import { errorMessage, KubefileError } from "../error.ts";
import { type Place, PlaceUnusable } from "./place.ts";
import { RecordRefused } from "./record.ts";
import type { Scope } from "./trust.ts";
import type { BlobOrigin, CacheKey, CacheRecord, WriteOptions } from "./types.ts";

/** A place whose failures are warnings. One that fails is not asked again, so that a dead one costs one wait, not one a record. */
export interface GuardedPlace {
  readonly name: string;
  readonly blobs: BlobOrigin | undefined;
  /** What the scopes hold, in their order; those without the record are left out. */
  read(
    key: CacheKey,
    scopes: readonly Scope[],
    signal: AbortSignal,
  ): Promise<readonly { readonly scope: Scope; readonly record: CacheRecord }[]>;
  /** @returns whether the place has the record now, or will not take this one; false when it could not be asked */
  write(record: CacheRecord, scope: Scope, options: WriteOptions): Promise<boolean>;
  close(): Promise<void>;
}

export function guardedPlace(place: Place, warn: (message: string) => void): GuardedPlace {
  const { name } = place;
  const failed = new Set<"read" | "write">();
  /** Several requests fail together; one warning is enough. */
  const giveUp = (what: "read" | "write", error: unknown): void => {
    if (failed.has(what)) return;
    failed.add(what);
    const isUnusable = error instanceof PlaceUnusable;
    if (isUnusable) failed.add("read").add("write");
    const done = isUnusable ? "used" : what === "read" ? "read" : "written";
    warn(`${name} cannot be ${done}, and the build goes on without it: ${errorMessage(error)}${hintOf(error)}`);
  };
  return {
    name,
    blobs: place.store("unprotected").blobs,
    async read(key, scopes, signal) {
      if (failed.has("read")) return [];
      try {
        const records = await Promise.all(scopes.map((scope) => place.store(scope).read(key, { signal })));
        return scopes.flatMap((scope, position) => {
          const record = records[position];
          return record === undefined ? [] : [{ scope, record }];
        });
      } catch (error) {
        signal.throwIfAborted();
        giveUp("read", error);
        return [];
      }
    },
    async write(record, scope, options) {
      if (failed.has("write")) return false;
      try {
        await place.store(scope).write(record, options);
        return true;
      } catch (error) {
        options.signal.throwIfAborted();
        if (error instanceof RecordRefused) {
          warn(`${name}: ${error.message}`);
          return true;
        }
        giveUp("write", error);
        return false;
      }
    },
    close: () => place.close(),
  };
}

function hintOf(error: unknown): string {
  return error instanceof KubefileError && error.hint !== undefined ? ` (${error.hint})` : "";
}
