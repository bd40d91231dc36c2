import { pipeline, Readable, type Transform } from "node:stream";
import * as zlib from "node:zlib";
import { KubefileError } from "../error.ts";

/** What one follows another through. A failure on either side ends the returned stream with that error. */
function through(source: Readable, decoder: Transform): Readable {
  // The consumer sees the error on the stream it reads; the callback only keeps it from being thrown twice.
  pipeline(source, decoder, () => undefined);
  return decoder;
}

export function gunzip(source: Readable): Readable {
  return through(source, zlib.createGunzip());
}

/**
 * The uncompressed form of a layer: gzip, zstd or plain, as its first bytes say, whatever it is called.
 *
 * @throws KubefileError UNSUPPORTED for zstd where this Node has none
 */
export async function decompress(source: Readable): Promise<Readable> {
  const { head, whole } = await peek(source);
  if (head[0] === 0x1f && head[1] === 0x8b) return gunzip(whole);
  if (head.subarray(0, 4).toString("hex") !== "28b52ffd") return whole;
  const create = "createZstdDecompress" in zlib ? zlib.createZstdDecompress : undefined;
  if (isDecoder(create)) return through(whole, create());
  whole.destroy();
  throw new KubefileError("UNSUPPORTED", "a layer is compressed with zstd, which this version of Node cannot read", {
    hint: "run kubefile with Node 22.15 or newer, or push the image with layers of gzip",
  });
}

function isDecoder(value: unknown): value is () => Transform {
  return typeof value === "function";
}

async function peek(source: Readable): Promise<{ readonly head: Buffer; readonly whole: Readable }> {
  const chunks = source[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (head.byteLength < 4) {
    const next = await chunks.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  async function* all(): AsyncGenerator<Buffer> {
    yield head;
    yield* { [Symbol.asyncIterator]: () => chunks };
  }
  return { head, whole: Readable.from(all(), { objectMode: false }) };
}
