import { createReadStream } from "node:fs";
import { readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pack } from "tar-stream";
import { describe, expect, it } from "vitest";
import { assembleClusterImage } from "../../../src/image/assemble.ts";
import type { ClusterImage } from "../../../src/image/cluster-image.ts";
import { exportOciLayout, importOciLayout } from "../../../src/image/oci-layout.ts";
import { checkWhole, readClusterImage } from "../../../src/image/read.ts";
import { digestOf, hexOf } from "../../../src/oci/digest.ts";
import { parseReference } from "../../../src/oci/reference.ts";
import { failureOf } from "../../support/failure.ts";
import { sampleOptions, temporaryDirectory, temporaryStore } from "../../support/sample-images.ts";

async function exported(): Promise<{ image: ClusterImage; file: string; bytes: Buffer }> {
  const store = await temporaryStore();
  const image = await assembleClusterImage(await sampleOptions(store));
  const file = join(await temporaryDirectory(), "shop.tar");
  const references = [parseReference("registry.example/shop:1"), parseReference("registry.example/shop:latest")];
  const { size } = await exportOciLayout({ store, image, references, destination: file });
  const bytes = await readFile(file);
  expect(bytes.byteLength).toBe(size);
  return { image, file, bytes };
}

/** A tar of the given entries; text is a file, anything else a header. */
async function tarOf(
  entries: Record<string, string | Buffer | { type: "symlink"; linkname: string }>,
): Promise<string> {
  const archive = pack();
  for (const [name, content] of Object.entries(entries)) {
    if (typeof content === "string" || Buffer.isBuffer(content)) archive.entry({ name }, content);
    else archive.entry({ name, ...content });
  }
  archive.finalize();
  const file = join(await temporaryDirectory(), "layout.tar");
  await writeFile(file, Readable.from(archive));
  return file;
}

describe("exportOciLayout", () => {
  it("names the file that a full disk has no room for, and leaves nothing of it", async () => {
    const store = await temporaryStore();
    const image = await assembleClusterImage(await sampleOptions(store));
    const directory = await temporaryDirectory();
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    const destination = join(directory, "shop.tar");
    const absent = { ...store, open: () => Promise.reject(full) };
    expect(await failureOf(exportOciLayout({ store: absent, image, destination }))).toBe(
      `DISK_SHORT: no space left for ${destination}`,
    );
    expect(await readdir(directory)).toEqual([]);
  });

  it("writes the same bytes each time, and nothing beside the file", async () => {
    const [first, second] = [await exported(), await exported()];
    expect(digestOf(first.bytes)).toBe(digestOf(second.bytes));
    expect(digestOf(first.bytes)).toBe("sha256:f1d7d9e280b363ba1f29d93e22954f2eebb5db08f0c62e3ae260ec3750eb2a2e");
    expect(await readdir(join(first.file, ".."))).toEqual(["shop.tar"]);
  });

  it("gives back the same image in another store", async () => {
    const { image, file } = await exported();
    const store = await temporaryStore();
    const manifests = await importOciLayout(createReadStream(file), store, { name: "layout.tar" });
    expect(
      manifests.map(({ digest, annotations }) => [digest, annotations?.["org.opencontainers.image.ref.name"]]),
    ).toEqual([
      [image.digest, "1"],
      [image.digest, "latest"],
    ]);
    const read = await readClusterImage(store, image.digest);
    expect(read).toEqual(image);
    await checkWhole(store, read);
  });

  it("leaves an older file alone, and no other behind, when it fails", async () => {
    const store = await temporaryStore();
    const image = await assembleClusterImage(await sampleOptions(store));
    const destination = join(await temporaryDirectory(), "shop.tar");
    await writeFile(destination, "older");
    const absent = { ...image, descriptor: { ...image.descriptor, digest: digestOf("absent") } };
    expect(await failureOf(exportOciLayout({ store, image: absent, destination }))).toContain("STORE_CORRUPT");
    expect(await failureOf(exportOciLayout({ store, image, destination, signal: AbortSignal.abort() }))).toContain(
      "ABORT_ERR",
    );
    expect(await readFile(destination, "utf8")).toBe("older");
    expect(await readdir(join(destination, ".."))).toEqual(["shop.tar"]);
  });

  it("says which directory is missing", async () => {
    const store = await temporaryStore();
    const image = await assembleClusterImage(await sampleOptions(store));
    const destination = join(await temporaryDirectory(), "none", "shop.tar");
    expect(await failureOf(exportOciLayout({ store, image, destination }))).toContain(
      `USAGE: cannot write ${destination}: ENOENT`,
    );
  });
});

describe("importOciLayout", () => {
  const blob = "a blob";
  const digest = digestOf(blob);
  const layout = JSON.stringify({ imageLayoutVersion: "1.0.0" });
  const index = JSON.stringify({
    schemaVersion: 2,
    manifests: [{ mediaType: "text/plain", digest, size: blob.length }],
  });
  const good = { "oci-layout": layout, "index.json": index, [`blobs/sha256/${hexOf(digest)}`]: blob };

  it("passes over what is no part of a layout", async () => {
    const store = await temporaryStore();
    const file = await tarOf({ "manifest.json": "[]", "../../escape": "no", ...good, "blobs/sha256/../../x": "no" });
    expect(
      (await importOciLayout(createReadStream(file), store, { name: "layout.tar" })).map((entry) => entry.digest),
    ).toEqual([digest]);
    expect((await readdir(store.directory)).sort()).toEqual(["blobs", "index.json", "ingest", "leases", "oci-layout"]);
  });

  it.each([
    ["no index.json", { "oci-layout": layout }, "ARTIFACT_INVALID", "it has no oci-layout or no index.json"],
    [
      "an index of something absent",
      { "oci-layout": layout, "index.json": index },
      "ARTIFACT_INVALID",
      `it names ${digest}, but`,
    ],
    ["a blob of other content", { ...good, [`blobs/sha256/${hexOf(digest)}`]: "b blob" }, "STORE_CORRUPT", digest],
    [
      "an index that is a link",
      { ...good, "index.json": { type: "symlink", linkname: "/etc/passwd" } as const },
      "UNSAFE_ARCHIVE",
      "index.json is a symlink",
    ],
    [
      "a blob that is a link",
      { ...good, [`./blobs/sha256/${hexOf(digest)}`]: { type: "symlink", linkname: "../x" } as const },
      "UNSAFE_ARCHIVE",
      "is a symlink",
    ],
    [
      "an index without end",
      { ...good, "index.json": Buffer.alloc(5_000_000, " ") },
      "ARTIFACT_INVALID",
      "index.json has more than",
    ],
    ["an index that is no JSON", { ...good, "index.json": "{" }, "ARTIFACT_INVALID", "not JSON"],
  ])("refuses %s", async (_, entries, code, text) => {
    const message = await failureOf(
      importOciLayout(createReadStream(await tarOf(entries)), await temporaryStore(), { name: "layout.tar" }),
    );
    expect(message).toContain(`${code}: `);
    expect(message).toContain(text);
  });

  it("refuses a blob whose size is in a form that no reader knows, rather than read for ever", async () => {
    const bytes = await readFile(await tarOf(good));
    const header = bytes.subarray(bytes.indexOf("blobs/sha256/"));
    header.writeUInt8(0x81, 124);
    header.write("        ", 148);
    const sum = header.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    const options = { name: "layout.tar", signal: AbortSignal.timeout(5_000) };
    expect(await failureOf(importOciLayout(Readable.from([bytes]), await temporaryStore(), options))).toMatch(
      /^ARTIFACT_INVALID: layout\.tar is not the tar of an OCI layout: the header of "blobs\/sha256\/.*" has no size/,
    );
  });

  it("refuses what is no tar, a cut one, and a file that is not there", async () => {
    const store = await temporaryStore();
    const directory = await temporaryDirectory();
    await writeFile(join(directory, "text"), "x".repeat(2_000));
    await writeFile(join(directory, "cut"), (await exported()).bytes.subarray(0, 3_000));
    await symlink("nowhere", join(directory, "gone"));
    for (const name of ["text", "cut", "gone"]) {
      expect(
        await failureOf(importOciLayout(createReadStream(join(directory, name)), store, { name: "layout.tar" })),
      ).toContain("ARTIFACT_INVALID: ");
    }
  });
});
