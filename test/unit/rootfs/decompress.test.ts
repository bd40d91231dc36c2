import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import * as zlib from "node:zlib";
import { expect, test } from "vitest";
import { decompress } from "../../../src/rootfs/decompress.ts";

/** One frame with one raw block (RFC 8878). */
const zstd = Buffer.concat([Buffer.from("28b52ffd2005290000", "hex"), Buffer.from("layer")]);

test.each<[string, Buffer[], string]>([
  ["gzip", [zlib.gzipSync("layer")], "layer"],
  ["gzip that comes byte by byte", [...zlib.gzipSync("layer")].map((byte) => Buffer.from([byte])), "layer"],
  ["plain bytes", [Buffer.from("la"), Buffer.from("yer")], "layer"],
  ["less than any magic number", [Buffer.from("l")], "l"],
  ["nothing", [], ""],
])("reads %s", async (_, chunks, text) => {
  expect((await buffer(await decompress(Readable.from(chunks)))).toString()).toBe(text);
});

test("reads zstd where Node can, and else says which Node can", async () => {
  const reading = decompress(Readable.from([zstd])).then(buffer);
  if ("createZstdDecompress" in zlib) expect((await reading).toString()).toBe("layer");
  else await expect(reading).rejects.toMatchObject({ code: "UNSUPPORTED", hint: expect.stringContaining("22.15") });
});
