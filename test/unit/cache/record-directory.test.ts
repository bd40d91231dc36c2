import { mkdir, readdir, readFile, stat, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { MAX_RECORD_BYTES } from "../../../src/cache/record.ts";
import { recordDirectory, recordPath } from "../../../src/cache/record-directory.ts";
import type { Scope } from "../../../src/cache/trust.ts";
import type { RecordStore } from "../../../src/cache/types.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import { OCI_MANIFEST } from "../../../src/oci/media-types.ts";
import { keyOf, launchRecord, sampleLayer, stepRecord } from "../../support/sample-records.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const temporaryDirectory = temporaryDirectories();
const { signal } = new AbortController();
const record = stepRecord("a", sampleLayer("manifests"));
const time = new Date("2026-01-02T03:04:05Z");

async function open(scope: Scope = "unprotected", directory?: string) {
  const warnings: string[] = [];
  const place = directory ?? (await temporaryDirectory());
  const options = { directory: place, scope, name: "the local store", now: () => time };
  const store: RecordStore = recordDirectory({ ...options, warn: (message) => warnings.push(message) });
  return { store, warnings, directory: place, path: recordPath(place, scope, record.key) };
}

describe("recordDirectory", () => {
  it("keeps records, one file each", async () => {
    const { store, directory, warnings } = await open();
    expect(await store.read(record.key, { signal })).toBeUndefined();
    expect(await store.write(record, { signal })).toBe("written");
    expect(await store.write(record, { signal })).toBe("exists");
    expect(await store.read(record.key, { signal })).toEqual(record);
    expect(await store.read(keyOf("b"), { signal })).toBeUndefined();
    expect(await readdir(join(directory, "records/unprotected"))).toEqual([`${record.key}.json`]);
    expect(await readdir(join(directory, "ingest"))).toEqual([]);
    expect(warnings).toEqual([]);
  });

  it("keeps the scopes apart", async () => {
    const { store, directory } = await open("unprotected");
    await store.write(record, { signal });
    const { store: other } = await open("protected", directory);
    expect(await other.read(record.key, { signal })).toBeUndefined();
    expect(await other.write(record, { signal })).toBe("written");
    expect(await other.read(record.key, { signal })).toEqual(record);
  });

  it("keeps the first of two records of one key, unless it is to be replaced", async () => {
    const { store } = await open();
    await store.write(record, { signal });
    expect(await store.write(stepRecord("a", sampleLayer("other")), { signal })).toBe("exists");
    expect(await store.read(record.key, { signal })).toEqual(record);

    const image = { reference: "docker.io/library/redis:7", mediaType: OCI_MANIFEST, size: 7, reasons: [] };
    const before = launchRecord("launch", [{ ...image, digest: digestOf("before") }]);
    const after = launchRecord("launch", [{ ...image, digest: digestOf("after") }]);
    await store.write(before, { signal });
    expect(await store.write(after, { signal })).toBe("exists");
    expect(await store.write(after, { signal, replace: true })).toBe("written");
    expect(await store.write(after, { signal, replace: true })).toBe("exists");
    expect(await store.read(before.key, { signal })).toEqual(after);
  });

  it("remembers when a record was used last", async () => {
    const { store, path } = await open();
    await store.write(record, { signal });
    await utimes(path, 0, 0);
    await store.read(record.key, { signal });
    expect((await stat(path)).mtime).toEqual(time);
  });

  it.each<[string, (path: string) => Promise<unknown>, string]>([
    ["text", (path) => writeFile(path, "no record"), "it is not JSON: "],
    ["a cut file", (path) => truncate(path, 20), "it is not JSON: "],
    ["an empty file", (path) => truncate(path, 0), "it is not JSON: "],
    ["a huge file", (path) => truncate(path, MAX_RECORD_BYTES + 1), "it has 4194305 bytes, more than 4194304"],
    ["another's record", (path) => writeFile(path, JSON.stringify(stepRecord("b"))), "it is of key 3e23e8160039"],
  ])("takes %s for absent, warns once, and writes anew", async (_, spoil, problem) => {
    const { store, warnings, path } = await open();
    await store.write(record, { signal });
    await spoil(path);
    expect(await store.read(record.key, { signal })).toBeUndefined();
    expect(warnings).toEqual([
      expect.stringContaining(`the local store: the record of key ca978112ca1b is taken for absent: ${problem}`),
    ]);
    expect(await store.write(record, { signal })).toBe("written");
    expect(await store.read(record.key, { signal })).toEqual(record);
    expect(warnings).toHaveLength(1);
  });

  it("follows no link out of the directory, and waits for no pipe", async () => {
    const { store, warnings, path, directory } = await open();
    const elsewhere = join(directory, "elsewhere.json");
    await writeFile(elsewhere, JSON.stringify(record));
    await mkdir(dirname(path), { recursive: true });
    await symlink(elsewhere, path);
    expect(await store.read(record.key, { signal })).toBeUndefined();
    expect(warnings).toEqual([expect.stringContaining("it is no regular file")]);
    await store.write(record, { signal });
    expect((await stat(path)).isFile()).toBe(true);
    expect(await readFile(elsewhere, "utf8")).toBe(JSON.stringify(record));
  });

  it("is whole for every reader while many write", async () => {
    const { store, warnings, directory } = await open();
    const image = { reference: "docker.io/library/redis:7", mediaType: OCI_MANIFEST, size: 7, reasons: [] };
    const records = Array.from({ length: 20 }, (_, position) =>
      launchRecord("same", [{ ...image, digest: digestOf(String(position)) }]),
    );
    const key = keyOf("same");
    await Promise.all(
      records.flatMap((one) => [
        store.write(one, { signal, replace: true }),
        store.read(key, { signal }).then((read) => read === undefined || expect(records).toContainEqual(read)),
      ]),
    );
    expect(records).toContainEqual(await store.read(key, { signal }));
    expect(warnings).toEqual([]);
    expect(await readdir(join(directory, "ingest"))).toEqual([]);
  });

  it("says what is wrong with the directory", async () => {
    const directory = join(await temporaryDirectory(), "file");
    await writeFile(directory, "");
    const { store } = await open("unprotected", directory);
    await expect(store.write(record, { signal })).rejects.toMatchObject({ code: "STORE_UNUSABLE" });
  });
});
