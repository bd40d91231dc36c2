import { pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";

/** The uncompressed form of a layer. A failure on either side ends the returned stream with that error. */
export function gunzip(source: Readable): Readable {
  const decompressed = createGunzip();
  // The consumer sees the error on the stream it reads; the callback only keeps it from being thrown twice.
  pipeline(source, decompressed, () => undefined);
  return decompressed;
}
