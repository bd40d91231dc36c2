import type { CacheKey } from "../cache/types.ts";
import { canonicalJson } from "../oci/canonical-json.ts";
import { digestOf, hexOf } from "../oci/digest.ts";

/** Raised whenever the same inputs come to mean another result: every record before it is a miss. */
export const keyFormat = 1;

/**
 * The key of a result by all that decides it. Parts are told apart by their names and have one spelling, so neither
 * the order in which they were gathered nor the machine shows in a key.
 */
export function cacheKey(kind: string, parts: object): CacheKey {
  return hexOf(digestOf(canonicalJson({ format: keyFormat, kind, parts }))) as CacheKey;
}
