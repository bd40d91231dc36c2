import { open, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { describe, expect, it } from "vitest";
import { assembleClusterImage } from "../../../src/image/assemble.ts";
import { type ClusterImage, uploadsOf } from "../../../src/image/cluster-image.ts";
import { openOciArchive } from "../../../src/image/oci-archive.ts";
import { exportOciLayout } from "../../../src/image/oci-layout.ts";
import { readClusterImage } from "../../../src/image/read.ts";
import { tarEnd, tarHeader, tarPadding } from "../../../src/image/tar-entry.ts";
import { digestOf, hexOf } from "../../../src/oci/digest.ts";
import { failureOf } from "../../support/failure.ts";
import { sampleOptions, sharedLayer, temporaryDirectory, temporaryStore } from "../../support/sample-images.ts";

async function exported(): Promise<{ image: ClusterImage; file: string }> {
  const store = await temporaryStore();
  const image = await assembleClusterImage(await sampleOptions(store));
  const file = join(await temporaryDirectory(), "shop.tar");
  await exportOciLayout({ store, image, destination: file });
  return { image, file };
}

async function written(bytes: Buffer): Promise<string> {
  const file = join(await temporaryDirectory(), "shop.tar");
  await writeFile(file, bytes);
  return file;
}

async function failureOfOpening(bytes: Buffer): Promise<string> {
  const file = await written(bytes);
  return (await failureOf(openOciArchive(file))).replaceAll(file, "FILE");
}

describe("openOciArchive", () => {
  it("reads what was written, where it lies", async () => {
    const { image, file } = await exported();
    const archive = await openOciArchive(file);
    const { reader, manifests } = archive;
    expect(manifests.map(({ digest }) => digest)).toEqual([image.digest]);
    expect(await readClusterImage(reader, image.digest)).toEqual(image);
    for (const { digest, size } of uploadsOf(image)) {
      expect(await reader.has(digest)).toMatchObject({ size });
      const { stream } = await reader.open(digest);
      expect(digestOf(await buffer(stream))).toBe(digest);
    }
    const { stream } = await reader.open(digestOf(sharedLayer), { start: 2, end: 6 });
    expect((await buffer(stream)).toString()).toBe(sharedLayer.slice(2, 6));
    expect(await reader.has(digestOf("another"))).toBeUndefined();
    await expect(reader.open(digestOf("another"))).rejects.toMatchObject({ code: "ARTIFACT_INVALID" });
    await expect(reader.readSmall(image.digest, 10)).rejects.toThrow("more than 10");
  });

  it("notices bytes that are not those of their digest", async () => {
    const { file } = await exported();
    const bytes = await readFile(file);
    bytes.write("X", bytes.indexOf(sharedLayer));
    const changed = await written(bytes);
    const archive = await openOciArchive(changed);
    const digest = digestOf(sharedLayer);
    const found = digestOf(`X${sharedLayer.slice(1)}`);
    await expect(archive.reader.readSmall(digest)).rejects.toThrow(
      `${changed}: the bytes of blob ${digest} have digest ${found}`,
    );
  });

  it("finds files behind ones of more than 8 GiB", async () => {
    const content = Buffer.from('{"schemaVersion":2,"manifests":[]}');
    const small = (name: string): Buffer[] => [
      tarHeader({ name, type: "file", size: content.byteLength }),
      content,
      tarPadding(content.byteLength),
    ];
    const size = 9 * 1024 ** 3;
    const large = tarHeader({ name: `blobs/sha256/${hexOf(digestOf("large"))}`, type: "file", size });
    const file = join(await temporaryDirectory(), "large.tar");
    const handle = await open(file, "wx");
    // A hole: it takes no disk.
    await handle.write(Buffer.concat([...small("oci-layout"), large]));
    const at = (await handle.stat()).size + size;
    await truncate(file, at);
    await handle.write(Buffer.concat([...small("index.json"), tarEnd]), 0, undefined, at);
    await handle.close();
    const archive = await openOciArchive(file);
    expect(archive.manifests).toEqual([]);
    expect(await archive.reader.has(digestOf("large"))).toMatchObject({ size });
  });

  it("says which file cannot be read", async () => {
    expect(await failureOf(openOciArchive("/nowhere/shop.tar"))).toBe(
      "USAGE: cannot read /nowhere/shop.tar: ENOENT: no such file or directory, open '/nowhere/shop.tar'",
    );
  });

  it.each<[string, (whole: Buffer) => Buffer | Promise<Buffer>, string]>([
    ["something else", () => Buffer.alloc(1024, "x"), "there is no header at byte 0"],
    ["nothing", () => Buffer.alloc(0), "it is cut off"],
    ["a compressed one", (whole) => gzipSync(whole), "it is compressed; unpack it with gunzip"],
    ["one that is cut within a file", (whole) => whole.subarray(0, 2_000), "it is cut off"],
    ["one that is cut between files", (whole) => whole.subarray(0, 512), "it is cut off"],
    ["a tar of other things", () => tarOf({ "a.txt": "1" }), "it has no oci-layout or no index.json"],
    [
      "one with names too long",
      () => tarOf({ "oci-layout": "{}", "index.json": "{}", [`${"long/".repeat(60)}name`]: "1" }),
      "it has names or files too long for the plain format of tar",
    ],
    [
      "an index that is none",
      () => tarOf({ "oci-layout": "{}", "index.json": "[" }),
      "invalid image manifest: not JSON",
    ],
  ])("refuses %s", async (_name, change, why) => {
    const whole = await readFile((await exported()).file);
    const message = await failureOfOpening(await change(whole));
    expect(message).toBe(
      why.startsWith("invalid")
        ? `ARTIFACT_INVALID: ${why}`
        : `ARTIFACT_INVALID: FILE is not the tar of an OCI layout: ${why}`,
    );
  });
});

async function tarOf(files: Record<string, string>): Promise<Buffer> {
  const archive = pack();
  const whole = buffer(archive);
  for (const [name, content] of Object.entries(files)) archive.entry({ name }, content);
  archive.finalize();
  return whole;
}
