import { Readable } from "node:stream";
import fc from "fast-check";
import { extract } from "tar-stream";
import { describe, expect, it } from "vitest";
import { type TarEntry, tarEnd, tarHeader, tarPadding } from "../../../src/image/tar-entry.ts";

async function readHeader(bytes: Buffer): Promise<TarEntry & { readonly mtime: Date }> {
  const archive = extract();
  Readable.from([bytes]).pipe(archive as unknown as NodeJS.WritableStream);
  for await (const { header } of archive) {
    const type = header.type === "directory" ? "directory" : "file";
    return { name: header.name, type, size: header.size, mtime: header.mtime };
  }
  throw new Error("no entry");
}

describe("tarHeader", () => {
  it.each([0, 1, 511, 512, 0o77777777777, 0o77777777777 + 1, 2 ** 45 + 3])(
    "is read back with a size of %d bytes",
    async (size) => {
      const entry = { name: "blobs/sha256/abc", type: "file", size } as const;
      expect(await readHeader(tarHeader(entry))).toEqual({ ...entry, mtime: new Date(0) });
    },
  );

  it("marks directories", async () => {
    const entry = { name: "blobs/", type: "directory", size: 0 } as const;
    expect(await readHeader(Buffer.concat([tarHeader(entry), tarEnd]))).toMatchObject({ type: "directory" });
  });
});

describe("tarPadding", () => {
  it("fills up the last block and never adds one", () => {
    fc.assert(
      fc.property(fc.nat(), (size) => {
        const padding = tarPadding(size).byteLength;
        expect((size + padding) % 512).toBe(0);
        expect(padding).toBeLessThan(512);
      }),
    );
  });
});
