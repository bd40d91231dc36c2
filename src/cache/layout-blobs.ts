import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, hexOf } from "../oci/digest.ts";
import type { BlobOrigin } from "./types.ts";

/**
 * The blobs of an OCI layout directory (image-spec, image-layout.md), only read: it may be another's, or on a read-only
 * file system. Whoever fetches one verifies it.
 */
export function layoutBlobs(directory: string, name: string): BlobOrigin {
  const pathOf = (digest: Digest): string => join(directory, "blobs", "sha256", hexOf(digest));
  return {
    name,
    async has(digest) {
      const found = await stat(pathOf(digest)).catch(() => undefined);
      return found?.isFile() === true && found.size > 0;
    },
    fetcher: (digest) => async (offset) => {
      const { size } = await stat(pathOf(digest));
      return { size, stream: createReadStream(pathOf(digest), { start: offset }) };
    },
  };
}
