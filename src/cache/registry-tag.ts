import { isCacheKey, KEY_LENGTH } from "./key.ts";
import type { Scope } from "./trust.ts";
import type { CacheKey } from "./types.ts";

export const DEFAULT_PREFIX = "cache";

const PROTECTED = "protected";
/** Tags have at most 128 characters. */
const MAX_PREFIX_LENGTH = 128 - KEY_LENGTH - 2 - PROTECTED.length;

/** The tag or entry of a record: `cache-<key>`, or `cache-protected-<key>`. */
export function recordTag(prefix: string, scope: Scope, key: CacheKey): string {
  return `${prefix}-${scope === "protected" ? `${PROTECTED}-` : ""}${key}`;
}

/** Undefined for the tags of others. */
export function parseRecordTag(
  prefix: string,
  tag: string,
): { readonly scope: Scope; readonly key: CacheKey } | undefined {
  const key = tag.slice(-KEY_LENGTH);
  if (!isCacheKey(key)) return undefined;
  if (tag === recordTag(prefix, "unprotected", key)) return { scope: "unprotected", key };
  return tag === recordTag(prefix, "protected", key) ? { scope: "protected", key } : undefined;
}

/** Why a prefix cannot be; undefined when it can. */
export function prefixProblem(prefix: string): string | undefined {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(prefix)) {
    return "its prefix may have letters, digits, dots, dashes and underscores, and begins with no dot or dash";
  }
  if (prefix.length > MAX_PREFIX_LENGTH) return `its prefix has more than ${MAX_PREFIX_LENGTH} characters`;
  // Branches could write what releases of the shorter prefix read.
  if (prefix.toLowerCase().endsWith(`-${PROTECTED}`)) {
    return `its prefix ends in "-${PROTECTED}", which marks records of protected refs`;
  }
  return undefined;
}
