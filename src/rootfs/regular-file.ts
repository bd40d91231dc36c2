import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { type Digest, finishDigest } from "../oci/digest.ts";

const READ_BYTES = 256 * 1024;
/** Neither a link in the file's place is followed, nor does a pipe in its place make us wait for a writer. */
export const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export async function openRegularFile(path: string, signal?: AbortSignal): Promise<Readable> {
  const file = await open(path, READ_FLAGS);
  return file.createReadStream({ highWaterMark: READ_BYTES, ...(signal === undefined ? {} : { signal }) });
}

export async function digestOfFile(path: string, signal?: AbortSignal): Promise<Digest> {
  const hash = createHash("sha256");
  for await (const chunk of await openRegularFile(path, signal)) hash.update(chunk);
  return finishDigest(hash);
}

/** Writes a new file. Whatever lies at `path` already is an error, so nothing is ever written through a link. */
export async function writeNewFile(path: string, content: AsyncIterable<Uint8Array>, mode: number): Promise<void> {
  const file = await open(
    path,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o600,
  );
  try {
    for await (const chunk of content) await file.writeFile(chunk);
    await file.chmod(mode);
  } finally {
    await file.close();
  }
}
