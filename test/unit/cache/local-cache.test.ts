import { readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createBuildCache } from "../../../src/cache/build-cache.ts";
import { pruneDirectory } from "../../../src/cache/prune-directory.ts";
import { recordPath } from "../../../src/cache/record-directory.ts";
import type { CacheSpec } from "../../../src/cache/spec.ts";
import { type CacheTrust, protectedTrust, readOnly, unprotectedTrust } from "../../../src/cache/trust.ts";
import type { BuildCache, LaunchRecord } from "../../../src/cache/types.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import { openStore } from "../../../src/store/store.ts";
import type { Store } from "../../../src/store/types.ts";
import { disposal } from "../../support/disposal.ts";
import { amd64, putImage, putRootfsLayer, sharedLayer, temporaryStore } from "../../support/sample-images.ts";
import { launchRecord, rootfsRecord, stepRecord } from "../../support/sample-records.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";
import { upstreamClient } from "../../support/upstream-client.ts";

const closing = disposal();
const temporaryDirectory = temporaryDirectories();
const { signal } = new AbortController();
const branch = unprotectedTrust("a branch");

interface Build {
  readonly local: Store;
  readonly cache: BuildCache;
  readonly warnings: string[];
}

/** A build that reads one directory and writes another, on a store of its own unless one is given. */
async function buildOn(
  directories: { readonly src?: readonly string[]; readonly dest?: readonly string[] },
  trust: CacheTrust = branch,
  own: { readonly local?: Store; readonly now?: Date } = {},
): Promise<Build> {
  const { local = await temporaryStore(), now = new Date() } = own;
  const warnings: string[] = [];
  const spec = (directory: string): CacheSpec => ({ type: "local", directory, written: `type=local of ${directory}` });
  const cache = createBuildCache({
    ...{ local, trust, platform: amd64, client: closing(upstreamClient()) },
    from: (directories.src ?? []).map(spec),
    to: (directories.dest ?? []).map(spec),
    now: () => now,
    warn: (message) => warnings.push(message),
  });
  return { local, cache: closing(cache), warnings };
}

async function launchIn(store: Store, name = "launch"): Promise<LaunchRecord> {
  return launchRecord(name, [
    await putImage(store, { reference: "quay.io/shop/web:1", layers: [sharedLayer, "web"], index: true }),
    await putImage(store, { reference: "docker.io/library/redis:7", layers: [sharedLayer, "redis", ""] }),
  ]);
}

describe("type=local", () => {
  it("keeps records with everything they are of no use without", async () => {
    const directory = await temporaryDirectory();
    const first = await buildOn({ dest: [directory] });
    const layers = [await putRootfsLayer(first.local, "manifests"), await putRootfsLayer(first.local, "charts")];
    const launch = await launchIn(first.local);
    const rootfs = rootfsRecord("rootfs", layers);
    for (const record of [rootfs, launch]) await first.cache.save(record, { signal });

    const second = await buildOn({ src: [directory] });
    expect(await second.cache.find("rootfs", rootfs.key, { signal })).toMatchObject({ record: rootfs });
    const found = await second.cache.find("launch", launch.key, { signal });
    expect(found).toMatchObject({ record: launch, from: `type=local of ${directory}` });
    const wanted = [...layers.map(({ descriptor }) => descriptor.digest), ...launch.images.map(({ digest }) => digest)];
    for (const digest of [...wanted, ...[sharedLayer, "web", "redis"].map(digestOf)]) {
      const [origin] = found?.origins ?? [];
      expect(await origin?.has(digest, { signal })).toBe(true);
      if (origin !== undefined) await second.local.ensure(digest, origin.fetcher(digest), { signal });
      expect(await second.local.verify(digest)).toBe(true);
    }
    expect([...first.warnings, ...second.warnings]).toEqual([]);
  });

  describe("that a build is told of whose results are in its own store", () => {
    const DAY = 24 * 60 * 60_000;

    it("is given them, whole, and not again in the next days", async () => {
      const directory = await temporaryDirectory();
      const { local, cache } = await buildOn({});
      const record = stepRecord("a", await putRootfsLayer(local, "manifests"));
      await cache.save(record, { signal });
      const find = async (days: number): Promise<string[]> => {
        const now = new Date(Date.now() + days * DAY);
        const later = await buildOn({ dest: [directory] }, branch, { local, now });
        expect(await later.cache.find("step", record.key, { signal })).toMatchObject({ from: "the local store" });
        await later.cache.close();
        return later.warnings;
      };
      expect(await find(0)).toEqual([]);
      const other = await buildOn({ src: [directory] });
      const found = await other.cache.find("step", record.key, { signal });
      expect(found).toMatchObject({ record, from: `type=local of ${directory}` });
      expect(await found?.origins[0]?.has(digestOf("manifests"), { signal })).toBe(true);

      const kept = recordPath(directory, "unprotected", record.key);
      await rm(kept);
      await find(6);
      await expect(stat(kept)).rejects.toThrow("ENOENT");
      await find(8);
      await stat(kept);
    });

    it("is not asked for what it was given when it was made, nor for what came from it", async () => {
      const directory = await temporaryDirectory();
      const both = { src: [directory], dest: [directory] };
      const first = await buildOn(both);
      const record = stepRecord("a", await putRootfsLayer(first.local, "manifests"));
      await first.cache.save(record, { signal });
      const second = await buildOn(both);
      await second.cache.find("step", record.key, { signal });
      const kept = recordPath(directory, "unprotected", record.key);
      await rm(kept);
      for (const { local } of [first, second]) {
        const later = await buildOn(both, branch, { local });
        await later.cache.find("step", record.key, { signal });
        await later.cache.close();
      }
      await expect(stat(kept)).rejects.toThrow("ENOENT");
    });

    it("is left with the record that takes the place of the one found", async () => {
      const directory = await temporaryDirectory();
      const { local, cache } = await buildOn({});
      const old = stepRecord("a", await putRootfsLayer(local, "old manifests"));
      await cache.save(old, { signal });
      const again = await buildOn({ dest: [directory] }, branch, { local });
      await again.cache.find("step", old.key, { signal });
      const fresh = stepRecord("a", await putRootfsLayer(local, "manifests"));
      await again.cache.save(fresh, { signal, replace: true });
      await again.cache.close();
      const other = await buildOn({ src: [directory] });
      expect(await other.cache.find("step", old.key, { signal })).toMatchObject({ record: fresh });
    });

    it("is given nothing by a build that may keep nothing", async () => {
      const directory = await temporaryDirectory();
      const { local, cache } = await buildOn({});
      const record = stepRecord("a");
      await cache.save(record, { signal });
      const fork = await buildOn({ dest: [directory] }, readOnly(branch, "a fork"), { local });
      expect(await fork.cache.find("step", record.key, { signal })).toMatchObject({ record });
      await fork.cache.close();
      await expect(stat(recordPath(directory, "unprotected", record.key))).rejects.toThrow("ENOENT");
    });

    it("is asked again by the next build when it could not be written", async () => {
      const directory = join(await temporaryDirectory(), "cache");
      await writeFile(directory, "no directory");
      const { local, cache } = await buildOn({});
      const record = stepRecord("a");
      await cache.save(record, { signal });
      const find = async (): Promise<readonly string[]> => {
        const later = await buildOn({ dest: [directory] }, branch, { local });
        await later.cache.find("step", record.key, { signal });
        await later.cache.close();
        return later.warnings;
      };
      expect(await find()).toEqual([expect.stringContaining("cannot be written, and the build goes on without it")]);
      await rm(directory);
      expect(await find()).toEqual([]);
      await stat(recordPath(directory, "unprotected", record.key));
    });

    it("is forgotten with the record, when that is pruned", async () => {
      const directory = await temporaryDirectory();
      const { local, cache } = await buildOn({ dest: [directory] });
      const records = [stepRecord("a"), stepRecord("b")];
      for (const record of records) await cache.save(record, { signal });
      await cache.close();
      const names = async (): Promise<string[]> => {
        const [place = ""] = await readdir(join(local.directory, "given"));
        return readdir(join(local.directory, "given", place));
      };
      expect(await names()).toHaveLength(2);
      const options = { directory: local.directory, name: "the local store", dryRun: false, signal };
      await local.close();
      await pruneDirectory({ ...options, rule: { keep: 1, all: false }, now: () => new Date() });
      expect(await names()).toHaveLength(1);
      await pruneDirectory({ ...options, rule: { all: true }, now: () => new Date() });
      expect(await names()).toEqual([]);
    });
  });

  it("passes a blob on that only another cache has", async () => {
    const [near, far] = [await temporaryDirectory(), await temporaryDirectory()];
    const first = await buildOn({ dest: [far] });
    const record = stepRecord("a", await putRootfsLayer(first.local, "manifests"));
    await first.cache.save(record, { signal });
    const second = await buildOn({ src: [far], dest: [near] });
    await second.cache.find("step", record.key, { signal });
    await second.cache.save(record, { signal });
    expect(second.warnings).toEqual([]);
    const third = await buildOn({ src: [near] });
    const found = await third.cache.find("step", record.key, { signal });
    expect(await found?.origins[0]?.has(digestOf("manifests"), { signal })).toBe(true);
  });

  it("keeps no record whose blobs are nowhere, and says which", async () => {
    const directory = await temporaryDirectory();
    const { local, cache, warnings } = await buildOn({ dest: [directory] });
    const record = stepRecord("a", await putRootfsLayer(local, "manifests"));
    await rm(local.pathOf(digestOf("manifests")));
    await cache.save(record, { signal });
    expect(warnings).toEqual([
      expect.stringMatching(`: the step record of key ca978112ca1b is not kept: its blob ${digestOf("manifests")} is`),
    ]);
    const reading = await buildOn({ src: [directory] });
    expect(await reading.cache.find("step", record.key, { signal })).toBeUndefined();
    const other = stepRecord("b", await putRootfsLayer(local, "charts"));
    await cache.save(other, { signal });
    expect(await reading.cache.find("step", other.key, { signal })).toBeDefined();
  });

  it("does not believe a blob's name", async () => {
    const directory = await temporaryDirectory();
    const first = await buildOn({ dest: [directory] });
    const record = stepRecord("a", await putRootfsLayer(first.local, "manifests"));
    await first.cache.save(record, { signal });
    const store = closing(await openStore(directory));
    await writeFile(store.pathOf(digestOf("manifests")), "something else");
    const { local, cache } = await buildOn({ src: [directory] });
    const found = await cache.find("step", record.key, { signal });
    const fetching = local.ensure(digestOf("manifests"), found!.origins[0]!.fetcher(digestOf("manifests")), { signal });
    await expect(fetching).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    expect(await local.has(digestOf("manifests"))).toBeUndefined();
  });

  it("says that there is no such directory, once, and makes none to read from", async () => {
    const directory = join(await temporaryDirectory(), "misspelt");
    const { cache, warnings } = await buildOn({ src: [directory] });
    for (const name of ["a", "b"]) expect(await cache.find("step", stepRecord(name).key, { signal })).toBeUndefined();
    expect(warnings).toEqual([
      `type=local of ${directory} cannot be read, and the build goes on without it: there is no directory ${directory} (the first build that writes it with --cache-to makes it)`,
    ]);
    await expect(stat(directory)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("lets ten builds write and read at the same time, and loses nothing", async () => {
    const directory = await temporaryDirectory();
    const builds = await Promise.all(
      Array.from({ length: 10 }, () => buildOn({ src: [directory], dest: [directory] })),
    );
    const saved = await Promise.all(
      builds.map(async ({ local, cache }, position) => {
        const own = stepRecord(`own ${position}`, await putRootfsLayer(local, `layer ${position}`));
        const same = stepRecord("same", await putRootfsLayer(local, "same layer"));
        const launch = await launchIn(local, "same launch");
        await Promise.all([own, same, launch].map((record) => cache.save(record, { signal })));
        return [own, same, launch];
      }),
    );
    expect(builds.flatMap(({ warnings }) => warnings)).toEqual([]);
    const reader = await buildOn({ src: [directory] });
    const store = closing(await openStore(directory));
    for (const record of saved.flat()) {
      expect(await reader.cache.find(record.kind, record.key, { signal })).toMatchObject({ record });
      if (record.kind === "step") expect(await store.verify(record.layer!.descriptor.digest)).toBe(true);
    }
  });
});

describe("a forged record", () => {
  /** A launch record with an image left out, written by a branch; what a release finds of it. */
  async function forge(): Promise<{ directory: string; honest: LaunchRecord; forged: LaunchRecord; attacker: Build }> {
    const directory = await temporaryDirectory();
    const attacker = await buildOn({ src: [directory], dest: [directory] });
    const honest = await launchIn(attacker.local);
    const forged = { ...honest, images: honest.images.slice(1) };
    await attacker.cache.save(forged, { signal });
    return { directory, honest, forged, attacker };
  }

  it("of a branch is read by branches, never by a protected build", async () => {
    const { directory, forged } = await forge();
    const other = await buildOn({ src: [directory] });
    expect(await other.cache.find("launch", forged.key, { signal })).toMatchObject({ record: forged });
    const release = await buildOn({ src: [directory] }, protectedTrust("a release"));
    expect(await release.cache.find("launch", forged.key, { signal })).toBeUndefined();
  });

  it("does not get to a release by way of the store of a runner that is used again", async () => {
    const { directory, honest, forged } = await forge();
    // A branch's build finds the forged record and keeps it in the runner's store, where the release builds next.
    const local = await temporaryStore();
    const on = (trust: CacheTrust): BuildCache =>
      closing(
        createBuildCache({
          ...{ local, trust, platform: amd64, client: closing(upstreamClient()), to: [] },
          from: [{ type: "local", directory, written: "type=local" }],
          now: () => new Date(0),
          warn: () => undefined,
        }),
      );
    expect(await on(branch).find("launch", forged.key, { signal })).toMatchObject({ from: "type=local" });
    expect(await on(branch).find("launch", forged.key, { signal })).toMatchObject({ from: "the local store" });
    const release = on(protectedTrust("a release"));
    expect(await release.find("launch", forged.key, { signal })).toBeUndefined();
    await release.save(honest, { signal });
    expect(await on(protectedTrust("a release")).find("launch", honest.key, { signal })).toMatchObject({
      record: honest,
    });
    // The branch gets the protected one from now on.
    expect(await on(branch).find("launch", honest.key, { signal })).toMatchObject({ record: honest });
  });

  it("in a cache of the attacker's own, called protected, stays out of the protected scope of the store", async () => {
    const { directory, forged } = await forge();
    const liar = await buildOn({ dest: [directory] }, protectedTrust("so it says"));
    await launchIn(liar.local);
    await liar.cache.save(forged, { signal });
    const reused = await buildOn({ src: [directory] }, branch);
    expect(await reused.cache.find("launch", forged.key, { signal })).toMatchObject({ record: forged });
    const kept = (scope: "protected" | "unprotected"): Promise<boolean> =>
      stat(recordPath(reused.local.directory, scope, forged.key)).then(
        () => true,
        () => false,
      );
    expect([await kept("protected"), await kept("unprotected")]).toEqual([false, true]);
  });

  it("is not even copied by a fork's build", async () => {
    const { directory, forged } = await forge();
    const fork = await buildOn({ src: [directory], dest: [directory] }, readOnly(branch, "a fork"));
    expect(await fork.cache.find("launch", forged.key, { signal })).toMatchObject({ record: forged });
    await expect(stat(join(fork.local.directory, "records"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("loses no blob while a build reads it, or after one that was only read", async () => {
    const directory = await temporaryDirectory();
    const first = await buildOn({ dest: [directory] });
    const record = stepRecord("a", await putRootfsLayer(first.local, "manifests"));
    await first.cache.save(record, { signal });
    await first.cache.close();
    const prune = () =>
      pruneDirectory({
        ...{ directory, name: "it", rule: { all: true }, dryRun: false },
        now: () => new Date(),
        signal,
      });
    const second = await buildOn({ src: [directory] });
    const found = await second.cache.find("step", record.key, { signal });
    await expect(prune()).rejects.toMatchObject({ code: "STORE_BUSY" });
    const [origin] = found?.origins ?? [];
    expect(await origin?.has(digestOf("manifests"), { signal })).toBe(true);
    await second.cache.close();
    expect(await prune()).toMatchObject({ removed: [{ kind: "step" }], blobs: 1 });
  });
});
