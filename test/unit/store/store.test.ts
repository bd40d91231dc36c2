import { spawn } from "node:child_process";
import { mkdir, readdir, readFile, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { ownIdentity } from "../../../src/process/process-identity.ts";
import { ownedFileName } from "../../../src/store/file-owner.ts";
import { storageError } from "../../../src/store/ingest.ts";
import { openStore } from "../../../src/store/store.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const temporaryDirectory = temporaryDirectories();
const bytes = Buffer.from("some bytes of a blob");
const digest = digestOf(bytes);

describe("layout", () => {
  test("a new store is an OCI image layout that only its owner can read", async () => {
    const directory = join(await temporaryDirectory(), "deep", "store");
    const store = await openStore(directory);
    expect(store.directory).toBe(directory);
    expect((await stat(directory)).mode & 0o077).toBe(0);
    expect(JSON.parse(await readFile(join(directory, "oci-layout"), "utf8"))).toEqual({ imageLayoutVersion: "1.0.0" });
    expect(JSON.parse(await readFile(join(directory, "index.json"), "utf8"))).toMatchObject({
      schemaVersion: 2,
      manifests: [],
    });
  });

  test("opening again keeps blobs and index", async () => {
    const directory = await temporaryDirectory();
    await (await openStore(directory)).write(bytes);
    await writeFile(join(directory, "index.json"), '{"schemaVersion":2,"manifests":[],"mine":true}');
    const store = await openStore(directory);
    expect(await store.readSmall(digest)).toEqual(bytes);
    expect(await readFile(join(directory, "index.json"), "utf8")).toContain("mine");
  });

  test("a directory that cannot be used is named, with what to do", async () => {
    const file = join(await temporaryDirectory(), "file");
    await writeFile(file, "");
    await expect(openStore(join(file, "store"))).rejects.toMatchObject({
      code: "STORE_UNUSABLE",
      message: expect.stringContaining(join(file, "store")),
      hint: expect.stringContaining("--store"),
    });
  });
});

describe("writing", () => {
  test.each([
    ["bytes", () => bytes],
    ["a stream", () => Readable.from([bytes.subarray(0, 5), bytes.subarray(5)])],
  ])("%s are found under their digest", async (_name, source) => {
    const store = await openStore(await temporaryDirectory());
    expect(await store.write(source(), { expected: digest, size: bytes.byteLength })).toEqual({
      digest,
      size: bytes.byteLength,
    });
    expect(await readFile(store.pathOf(digest))).toEqual(bytes);
    expect(await store.has(digest)).toEqual({ size: bytes.byteLength });
    expect(await store.verify(digest)).toBe(true);
  });

  test.each([
    ["another digest", bytes, { expected: digestOf("other") }],
    ["too few bytes", bytes, { expected: digest, size: 1_000 }],
    ["too many bytes", bytes, { expected: digest, size: 3 }],
    ["too many bytes in a stream", Readable.from([bytes, bytes]), { size: 30 }],
  ])("%s than promised are refused", async (_name, source, options) => {
    const store = await openStore(await temporaryDirectory());
    await expect(store.write(source, options)).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    expect(await readdir(join(store.directory, "blobs", "sha256"))).toEqual([]);
    expect(await readdir(join(store.directory, "ingest"))).toEqual([]);
  });

  test("a stream that fails leaves nothing", async () => {
    const store = await openStore(await temporaryDirectory());
    const failing = Readable.from(
      (async function* () {
        yield bytes;
        throw new Error("the tar ended early");
      })(),
    );
    await expect(store.write(failing)).rejects.toThrow("the tar ended early");
    expect(await readdir(join(store.directory, "ingest"))).toEqual([]);
  });

  test("an abort ends the writing", async () => {
    const store = await openStore(await temporaryDirectory());
    const endless = new Readable({ read: () => undefined });
    await expect(store.write(endless, { signal: AbortSignal.timeout(10) })).rejects.toThrow();
    expect(await readdir(join(store.directory, "ingest"))).toEqual([]);
  });
});

test("a full disk is told as such", async () => {
  const error: unknown = await writeFile("/dev/full", bytes).catch((reason: unknown) => reason);
  expect(storageError({ directory: "/the/store" }, error)).toMatchObject({
    code: "DISK_SHORT",
    message: "no space left for the store in /the/store",
  });
});

describe("reading", () => {
  test("an absent blob is an error that says so", async () => {
    const store = await openStore(await temporaryDirectory());
    expect(await store.has(digest)).toBeUndefined();
    expect(await store.verify(digest)).toBe(false);
    await expect(store.open(digest)).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    await expect(store.readSmall(digest)).rejects.toThrow(digest);
  });

  test("an empty file under another digest is no blob, and is replaced", async () => {
    const store = await openStore(await temporaryDirectory());
    await writeFile(store.pathOf(digest), "");
    expect(await store.has(digest)).toBeUndefined();
    await expect(store.open(digest)).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    await store.ensure(digest, async () => ({ size: bytes.byteLength, stream: Readable.from([bytes]) }));
    expect(await store.verify(digest)).toBe(true);
  });

  test("the empty blob can be stored and read", async () => {
    const store = await openStore(await temporaryDirectory());
    const empty = digestOf("");
    await store.ensure(empty, async () => ({ size: 0, stream: Readable.from([]) }));
    expect(await buffer((await store.open(empty)).stream)).toEqual(Buffer.alloc(0));
    const fetched = await store.fetch(empty, () => Promise.reject(new Error("must not be asked")));
    expect(await buffer(fetched.stream)).toEqual(Buffer.alloc(0));
  });

  test.each([
    [{ start: 0, end: 4 }, "some"],
    [{ start: 5, end: 10 }, "bytes"],
    [{ start: 16, end: 20 }, "blob"],
  ])("range %o", async (range, text) => {
    const store = await openStore(await temporaryDirectory());
    await store.write(bytes);
    const blob = await store.open(digest, range);
    expect(blob).toMatchObject({ size: bytes.byteLength, range });
    expect((await buffer(blob.stream)).toString()).toBe(text);
  });

  test("a range outside the blob is refused", async () => {
    const store = await openStore(await temporaryDirectory());
    await store.write(bytes);
    await expect(store.open(digest, { start: 0, end: 21 })).rejects.toThrow("outside blob");
  });

  test("a blob over the limit is not read into memory", async () => {
    const store = await openStore(await temporaryDirectory());
    await store.write(bytes);
    await expect(store.readSmall(digest, 10)).rejects.toThrow("more than the 10 expected");
  });

  test("verification finds changed and shortened files", async () => {
    const store = await openStore(await temporaryDirectory());
    await store.write(bytes);
    await truncate(store.pathOf(digest), 5);
    expect(await store.verify(digest)).toBe(false);
  });
});

describe("what killed processes leave", () => {
  test("files of dead processes go, those of living ones stay", async () => {
    const directory = await temporaryDirectory();
    const ingest = join(directory, "ingest");
    await mkdir(ingest, { recursive: true });
    const self = await ownIdentity();
    const child = spawn("true");
    const gone = child.pid ?? 0;
    await new Promise((resolve) => child.once("close", resolve));
    const names = {
      living: ownedFileName(self),
      dead: ownedFileName({ ...self, pid: gone }),
      reusedNumber: ownedFileName({ ...self, started: "1" }),
      otherBoot: ownedFileName({ ...self, bootId: "0f0f0f0f-0000-0000-0000-000000000000" }),
      otherBootLongAgo: ownedFileName({ ...self, bootId: "0f0f0f0f-0000-0000-0000-000000000000" }),
      otherContainer: ownedFileName({ ...self, namespace: "1" }),
      unknown: "upload-1",
      unknownLongAgo: "upload-2",
    };
    for (const name of Object.values(names)) {
      await writeFile(join(ingest, name), "half a blob");
      if (name === names.otherBootLongAgo || name === names.unknownLongAgo) await utimes(join(ingest, name), 0, 0);
    }
    await openStore(directory);
    expect((await readdir(ingest)).sort()).toEqual(
      [names.living, names.otherBoot, names.otherContainer, names.unknown].sort(),
    );
    const tomorrow = Date.now() + 24 * 60 * 60 * 1_000;
    await openStore(directory, { clock: () => tomorrow });
    expect(await readdir(ingest)).toEqual([names.living]);
  });
});
