import { createHash, type Hash } from "node:crypto";
import { KubefileError } from "../error.ts";

/** A content address, `sha256:` and 64 lower-case hex digits. Made only by this module, so it is always safe in a path. */
export type Digest = string & { readonly __brand: "Digest" };

const pattern = /^sha256:[0-9a-f]{64}$/;

/** @throws KubefileError DIGEST_INVALID for anything but a well-formed sha256 digest. */
export function parseDigest(text: string): Digest {
  if (!isDigest(text)) {
    throw new KubefileError("DIGEST_INVALID", `${JSON.stringify(text.slice(0, 100))} is not a sha256 digest`);
  }
  return text;
}

export function isDigest(text: string): text is Digest {
  return pattern.test(text);
}

export function digestOf(bytes: Uint8Array | string): Digest {
  return finishDigest(createHash("sha256").update(bytes));
}

/** Turns a running sha256 into a digest; the hash cannot be used afterwards. */
export function finishDigest(hash: Hash): Digest {
  return `sha256:${hash.digest("hex")}` as Digest;
}

/** The 64 hex digits, as used for file names in an OCI layout. */
export function hexOf(digest: Digest): string {
  return digest.slice("sha256:".length);
}
