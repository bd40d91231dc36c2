import { RegistryError } from "../registry/errors.ts";

/**
 * Whether a registry's refusal of a manifest passes by itself: it may collect garbage between blob and manifest, and while
 * several builds send it the same blob, one on a plain file system may find its own files half written and say so in
 * several ways.
 */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof RegistryError)) return false;
  return error.status === 500 || ["MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "DIGEST_INVALID"].includes(error.code);
}
