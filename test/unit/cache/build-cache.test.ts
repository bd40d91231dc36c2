import { writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { createBuildCache } from "../../../src/cache/build-cache.ts";
import { recordPath } from "../../../src/cache/record-directory.ts";
import { type CacheTrust, protectedTrust, readOnly, unprotectedTrust } from "../../../src/cache/trust.ts";
import type { BuildCache, FoundRecord } from "../../../src/cache/types.ts";
import type { Store } from "../../../src/store/types.ts";
import { amd64, temporaryStore } from "../../support/sample-images.ts";
import { keyOf, rootfsRecord, sampleLayer, stepRecord } from "../../support/sample-records.ts";
import { upstreamClient } from "../../support/upstream-client.ts";

const { signal } = new AbortController();
const record = stepRecord("a", sampleLayer("manifests"));

function cacheOf(local: Store, trust: CacheTrust, warnings: string[] = []): BuildCache {
  return createBuildCache({
    local,
    from: [],
    to: [],
    trust,
    platform: amd64,
    client: upstreamClient(),
    now: () => new Date(0),
    warn: (message) => warnings.push(message),
  });
}

describe("createBuildCache with the local store alone", () => {
  it("finds what an earlier build saved", async () => {
    const store = await temporaryStore();
    await cacheOf(store, unprotectedTrust("test")).save(record, { signal });
    const found = await cacheOf(store, unprotectedTrust("test")).find("step", record.key, { signal });
    expect(found).toEqual({ record, from: "the local store", origins: [] });
  });

  it("lets a protected build read what protected builds wrote, and nothing else", async () => {
    const store = await temporaryStore();
    await cacheOf(store, unprotectedTrust("a branch")).save(record, { signal });
    const release = cacheOf(store, protectedTrust("a release"));
    expect(await release.find("step", record.key, { signal })).toBeUndefined();
    await release.save(record, { signal });
    expect(await release.find("step", record.key, { signal })).toMatchObject({ record });
  });

  it("lets a branch read what protected builds wrote", async () => {
    const store = await temporaryStore();
    await cacheOf(store, protectedTrust("main")).save(record, { signal });
    expect(await cacheOf(store, unprotectedTrust("a branch")).find("step", record.key, { signal })).toMatchObject({
      record,
    });
  });

  it("writes nothing for strangers", async () => {
    const store = await temporaryStore();
    const forks = readOnly(unprotectedTrust("a branch"), "a fork");
    await cacheOf(store, forks).save(record, { signal });
    expect(await cacheOf(store, unprotectedTrust("a branch")).find("step", record.key, { signal })).toBeUndefined();
  });

  it("takes a record of another kind for absent", async () => {
    const store = await temporaryStore();
    const warnings: string[] = [];
    const cache = cacheOf(store, unprotectedTrust("test"), warnings);
    const rootfs = rootfsRecord("a", []);
    await cache.save(rootfs, { signal });
    expect(await cache.find("step", rootfs.key, { signal })).toBeUndefined();
    expect(warnings).toEqual([
      "the local store: the record of key ca978112ca1b is taken for absent: it is a rootfs record",
    ]);
  });

  it("passes over what will not do", async () => {
    const store = await temporaryStore();
    await cacheOf(store, protectedTrust("main")).save(record, { signal });
    const other = stepRecord("a", sampleLayer("other"));
    const branch = cacheOf(store, unprotectedTrust("a branch"));
    await branch.save(other, { signal });
    const accepts = async (found: FoundRecord<"step">): Promise<boolean> =>
      found.record.layer?.diffId === other.layer?.diffId;
    expect(await branch.find("step", record.key, { signal })).toMatchObject({ record });
    expect(await branch.find("step", record.key, { signal, accepts })).toMatchObject({ record: other });
    expect(await branch.find("step", record.key, { signal, accepts: async () => false })).toBeUndefined();
  });

  it("warns once when the store cannot be used, and lets the build go on", async () => {
    const store = await temporaryStore();
    await writeFile(`${store.directory}/records`, "a file where a directory should be");
    const warnings: string[] = [];
    const cache = cacheOf(store, unprotectedTrust("test"), warnings);
    await Promise.all(["a", "b", "c"].map((name) => cache.save(stepRecord(name), { signal })));
    await cache.save(stepRecord("d"), { signal });
    expect(await cache.find("step", keyOf("a"), { signal })).toBeUndefined();
    expect(warnings).toEqual([
      expect.stringMatching(
        /^the local store cannot be written, and the build goes on without it: cannot use the store/,
      ),
    ]);
  });

  it("warns of a record that cannot be kept, and keeps others", async () => {
    const store = await temporaryStore();
    const warnings: string[] = [];
    const cache = cacheOf(store, unprotectedTrust("test"), warnings);
    const { layer = sampleLayer("x") } = record;
    await cache.save({ ...record, layer: { ...layer, descriptor: { ...layer.descriptor, size: -1 } } }, { signal });
    await cache.save(stepRecord("b"), { signal });
    expect(warnings).toEqual([
      "the local store: the step record of key ca978112ca1b is not kept: /layer/descriptor/size must be >= 0",
    ]);
    expect(await cache.find("step", keyOf("b"), { signal })).toBeDefined();
  });

  it("ends when it is told to", async () => {
    const store = await temporaryStore();
    const cache = cacheOf(store, unprotectedTrust("test"));
    const stop = AbortSignal.abort(new Error("stopped"));
    await expect(cache.find("step", record.key, { signal: stop })).rejects.toThrow("stopped");
    await expect(cache.save(record, { signal: stop })).rejects.toThrow("stopped");
    expect(await cacheOf(store, unprotectedTrust("test")).find("step", record.key, { signal })).toBeUndefined();
    expect(recordPath(store.directory, "protected", record.key)).toContain("records/protected/");
  });
});
