import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, isDigest } from "../oci/digest.ts";
import { layoutOf } from "./layout.ts";

/** The blobs of a store, with their sizes in bytes. What else lies among them is left out. */
export async function listBlobs(directory: string, signal?: AbortSignal): Promise<ReadonlyMap<Digest, number>> {
  const { blobs } = layoutOf(directory);
  const found = new Map<Digest, number>();
  for (const name of await readdir(blobs).catch(ignoreMissing)) {
    signal?.throwIfAborted();
    const digest = `sha256:${name}`;
    if (!isDigest(digest)) continue;
    const file = await stat(join(blobs, name)).catch(() => undefined);
    if (file?.isFile() === true) found.set(digest, file.size);
  }
  return found;
}

function ignoreMissing(error: unknown): readonly string[] {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
  throw error;
}
