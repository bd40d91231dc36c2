import { basename } from "node:path";
import type { Readable } from "node:stream";
import { KubefileError } from "../error.ts";
import { gunzip } from "./decompress.ts";
import { openRegularFile } from "./regular-file.ts";

const HEADER_BYTES = 512;
const USTAR_MAGIC_OFFSET = 257;

/**
 * The tar stream of a file that ADD unpacks: one whose content is a tar, plain or gzip, whatever its name. undefined
 * for any other file. `name` is what it is called where it comes from.
 *
 * @throws KubefileError UNSUPPORTED for a tar that is compressed in another way: to copy it as it is would surprise.
 */
export async function openLocalArchive(
  path: string,
  signal?: AbortSignal,
  name = basename(path),
): Promise<Readable | undefined> {
  const start = await firstBytes(await openRegularFile(path, signal));
  if (isTar(start)) return openRegularFile(path, signal);
  if (start[0] === 0x1f && start[1] === 0x8b) {
    const unpacked = await firstBytes(gunzip(await openRegularFile(path, signal))).catch(() => Buffer.alloc(0));
    return isTar(unpacked) ? gunzip(await openRegularFile(path, signal)) : undefined;
  }
  if (/\.(?:tar\.(?:bz2|xz|zst|lz4)|tbz2?|txz|tzst)$/i.test(name)) {
    throw new KubefileError("UNSUPPORTED", `${name} is an archive that ADD cannot unpack`, {
      hint: "ADD unpacks .tar and .tar.gz; COPY this one, and unpack it in a RUN step if need be",
    });
  }
  return undefined;
}

async function firstBytes(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= HEADER_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, HEADER_BYTES);
}

function isTar(header: Buffer): boolean {
  return header.toString("latin1", USTAR_MAGIC_OFFSET, USTAR_MAGIC_OFFSET + 5) === "ustar";
}
