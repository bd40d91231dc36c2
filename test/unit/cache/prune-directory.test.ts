import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isCacheKey } from "../../../src/cache/key.ts";
import { pruneDirectory } from "../../../src/cache/prune-directory.ts";
import type { PruneRule } from "../../../src/cache/prune-rule.ts";
import { blobsOf } from "../../../src/cache/record-blobs.ts";
import { readRecordFile, recordDirectory, recordPath } from "../../../src/cache/record-directory.ts";
import { type Scope, scopes } from "../../../src/cache/trust.ts";
import type { CacheRecord } from "../../../src/cache/types.ts";
import { assembleClusterImage } from "../../../src/image/assemble.ts";
import { uploadsOf } from "../../../src/image/cluster-image.ts";
import { listLocal, tagLocal } from "../../../src/image/local-tags.ts";
import { checkWhole, readClusterImage } from "../../../src/image/read.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import { parseReference } from "../../../src/oci/reference.ts";
import { ownIdentity } from "../../../src/process/process-identity.ts";
import { ownedFileName } from "../../../src/store/file-owner.ts";
import { keepUploads } from "../../../src/store/kept-uploads.ts";
import { openStore } from "../../../src/store/store.ts";
import type { Store } from "../../../src/store/types.ts";
import {
  amd64,
  putImage,
  putRootfsLayer,
  sampleDescription,
  sharedLayer,
  temporaryDirectory,
} from "../../support/sample-images.ts";
import { launchRecord, rootfsRecord, stepRecord } from "../../support/sample-records.ts";

const { signal } = new AbortController();
const DAY = 24 * 60 * 60_000;
const now = new Date("2026-03-01T00:00:00Z");
const nothing: PruneRule = { all: false };

/** What a store may hold: numbers name contents, so that equal ones are shared. */
interface Plan {
  readonly steps: readonly number[];
  readonly rootfs: readonly (readonly number[])[];
  readonly launches: readonly (readonly number[])[];
  readonly tags: readonly { readonly layers: readonly number[]; readonly images: readonly number[] }[];
  readonly stray: readonly number[];
  readonly uploads: readonly number[];
  /** Days ago, by the position of a record. */
  readonly ages: readonly number[];
}

const content = fc.integer({ min: 0, max: 5 });
const some = fc.array(content, { maxLength: 3 });
const anyPlan: fc.Arbitrary<Plan> = fc.record({
  steps: some,
  rootfs: fc.array(some, { maxLength: 2 }),
  launches: fc.array(some, { maxLength: 2 }),
  tags: fc.array(fc.record({ layers: some, images: some }), { maxLength: 2 }),
  stray: fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 4 }),
  uploads: fc.array(fc.integer({ min: 10, max: 13 }), { maxLength: 2 }),
  ages: fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 7, maxLength: 7 }),
});
const anyRule: fc.Arbitrary<PruneRule> = fc.record({
  olderThan: fc.option(fc.integer({ min: 0, max: 30 * DAY }), { nil: undefined }),
  keep: fc.option(fc.integer({ min: 0, max: 6 }), { nil: undefined }),
  keepBytes: fc.option(fc.integer({ min: 0, max: 5_000 }), { nil: undefined }),
  all: fc.boolean(),
});

const layerOf = (store: Store, number: number) => putRootfsLayer(store, `layer ${number}`);
const imageOf = (store: Store, number: number) =>
  putImage(store, {
    reference: `quay.io/shop/web:${number}`,
    layers: [sharedLayer, `image ${number}`],
    index: number % 2 === 0,
    docker: number % 3 === 0,
  });

/** A store as builds leave it. */
async function fill(directory: string, plan: Plan): Promise<void> {
  await using store = await openStore(directory);
  const all = <T>(numbers: readonly number[], make: (store: Store, number: number) => Promise<T>): Promise<T[]> =>
    Promise.all([...new Set(numbers)].map((number) => make(store, number)));
  const records: CacheRecord[] = [
    ...(await Promise.all(
      plan.steps.map(async (number, position) => stepRecord(`step ${position}`, await layerOf(store, number))),
    )),
    ...(await Promise.all(
      plan.rootfs.map(async (numbers, position) => rootfsRecord(`rootfs ${position}`, await all(numbers, layerOf))),
    )),
    ...(await Promise.all(
      plan.launches.map(async (numbers, position) => launchRecord(`launch ${position}`, await all(numbers, imageOf))),
    )),
  ];
  for (const [position, record] of records.entries()) {
    const scope = scopes[position % 2] ?? "protected";
    const place = recordDirectory({ directory, scope, name: "it", now: () => now, warn: () => undefined });
    await place.write(record, { signal });
    const used = new Date(now.getTime() - (plan.ages[position] ?? 0) * DAY);
    await utimes(recordPath(directory, scope, record.key), used, used);
  }
  for (const [position, { layers, images }] of plan.tags.entries()) {
    const image = await assembleClusterImage({
      ...{ store, config: sampleDescription, platform: amd64, annotations: {} },
      layers: await all(layers, layerOf),
      images: await all(images, imageOf),
    });
    await tagLocal(directory, parseReference(`shop:${position}`), image.descriptor, { now });
  }
  await Promise.all(plan.stray.map((number) => store.write(Buffer.from(`stray ${number}`))));
  const uploads = keepUploads(directory, () => now.getTime());
  for (const number of plan.uploads) {
    const { digest } = await store.write(Buffer.from(`on its way ${number}`));
    await uploads.keep({ host: "registry.example", path: "shop" }, digest, "https://registry.example/upload");
  }
  // Files are as old as the test says, not as the clock does.
  for (const name of await readdir(join(directory, "uploads")).catch(() => [])) {
    await utimes(join(directory, "uploads", name), now, now);
  }
}

/** Digests of the blobs that are there. */
async function blobsIn(directory: string): Promise<Set<string>> {
  return new Set((await readdir(join(directory, "blobs", "sha256"))).map((name) => `sha256:${name}`));
}

async function recordsIn(directory: string): Promise<CacheRecord[]> {
  const found = await Promise.all(
    scopes.map(async (scope) => {
      const names = await readdir(join(directory, "records", scope)).catch(() => []);
      return Promise.all(names.map((name) => recordOf(directory, scope, name.replace(/\.json$/, ""))));
    }),
  );
  return found.flat();
}

async function recordOf(directory: string, scope: Scope, key: string): Promise<CacheRecord> {
  if (!isCacheKey(key)) throw new Error(`${key} is no key`);
  const read = await readRecordFile(recordPath(directory, scope, key), key);
  if (read === undefined || "problem" in read) throw new Error(`${key}: ${read?.problem ?? "gone"}`);
  return read.record;
}

/** Reads all that is left as builds do, blob by blob, and returns every digest that this needed. */
async function readAll(directory: string): Promise<Set<string>> {
  await using store = await openStore(directory);
  const needed = new Set<string>();
  const supply = { store, platform: amd64, origins: () => [] };
  for (const record of await recordsIn(directory)) {
    for (const { digest, size } of await blobsOf(record, supply, signal)) {
      expect(await store.has(digest)).toEqual({ size });
      needed.add(digest);
    }
  }
  for (const { descriptor } of await listLocal(directory)) {
    const image = await readClusterImage(store, descriptor.digest);
    await checkWhole(store, image);
    for (const { digest } of [image.descriptor, ...uploadsOf(image)]) needed.add(digest);
  }
  return needed;
}

describe("pruning a store", () => {
  it("leaves every record and tag that stays whole, and nothing that they do not need", async () => {
    await fc.assert(
      fc.asyncProperty(anyPlan, anyRule, async (plan, rule) => {
        const directory = await temporaryDirectory();
        await fill(directory, plan);
        const before = await blobsIn(directory);
        const recordsBefore = await recordsIn(directory);
        const options = { directory, name: "it", rule, now: () => now, signal };
        const said = await pruneDirectory({ ...options, dryRun: true });
        expect(await blobsIn(directory)).toEqual(before);
        const { removed, kept, blobs } = await pruneDirectory({ ...options, dryRun: false });
        expect({ removed: said.removed, kept: said.kept, blobs: said.blobs }).toEqual({ removed, kept, blobs });
        const after = await blobsIn(directory);
        expect((await recordsIn(directory)).map(({ key }) => key).sort()).toEqual(kept.map(({ key }) => key).sort());
        expect(removed.length + kept.length).toBe(recordsBefore.length);
        const needed = await readAll(directory);
        for (const number of plan.uploads) needed.add(digestOf(`on its way ${number}`));
        expect(after).toEqual(needed);
        expect(before.size - after.size).toBe(blobs);
        for (const digest of after) {
          const bytes = await readFile(join(directory, "blobs", "sha256", digest.slice(7)));
          expect(createHash("sha256").update(bytes).digest("hex")).toBe(digest.slice(7));
        }
        expect(await pruneDirectory({ ...options, rule: nothing, dryRun: false })).toMatchObject({
          removed: [],
          blobs: 0,
        });
      }),
      { numRuns: 25 },
    );
  });

  it("keeps to its rule", async () => {
    const plan = { steps: [0, 1, 2, 3], rootfs: [], launches: [], tags: [], stray: [], uploads: [] };
    const directory = await temporaryDirectory();
    await fill(directory, { ...plan, ages: [9, 1, 5, 3] });
    const ages = async (rule: Partial<PruneRule>): Promise<number[]> => {
      const options = { directory, name: "it", dryRun: true, now: () => now, signal };
      const { kept } = await pruneDirectory({ ...options, rule: { all: false, ...rule } });
      return kept.map(({ used }) => (now.getTime() - (used?.getTime() ?? 0)) / DAY);
    };
    expect(await ages({})).toEqual([1, 3, 5, 9]);
    expect(await ages({ olderThan: 4 * DAY })).toEqual([1, 3]);
    expect(await ages({ keep: 3 })).toEqual([1, 3, 5]);
    expect(await ages({ keep: 3, olderThan: 2 * DAY })).toEqual([1]);
    expect(await ages({ all: true })).toEqual([]);
    const size = (await stat(recordPath(directory, "protected", stepRecord("step 0").key))).size + "layer 0".length;
    expect(await ages({ keepBytes: 2 * size })).toEqual([1, 3]);
    expect(await ages({ keepBytes: 2 * size - 1 })).toEqual([1]);
  });

  it("leaves alone what is no record and no blob, and tells of it", async () => {
    const directory = await temporaryDirectory();
    await fill(directory, { steps: [1], rootfs: [], launches: [], tags: [], stray: [], uploads: [], ages: [0] });
    const key = "a".repeat(64);
    const outside = join(directory, "outside");
    await writeFile(outside, "mine");
    await writeFile(join(directory, "records", "protected", `${key}.json`), "{}");
    await writeFile(join(directory, "records", "protected", "notes.txt"), "mine");
    await symlink(outside, join(directory, "records", "protected", `${"b".repeat(64)}.json`));
    await mkdir(join(directory, "records", "secret"));
    await writeFile(join(directory, "blobs", "sha256", "README"), "mine");
    await mkdir(join(directory, "blobs", "sha256", "c".repeat(64)));
    const rule = { all: true };
    const pruned = await pruneDirectory({ directory, name: "it", rule, dryRun: false, now: () => now, signal });
    expect(pruned.removed).toHaveLength(1);
    expect(pruned.others.map(({ name }) => name)).toEqual([
      "records/secret",
      `records/protected/${key}.json`,
      `records/protected/${"b".repeat(64)}.json`,
      "records/protected/notes.txt",
    ]);
    expect(await readFile(outside, "utf8")).toBe("mine");
    expect((await readdir(join(directory, "blobs", "sha256"))).sort()).toEqual(["README", "c".repeat(64)].sort());
    expect(await readdir(join(directory, "records", "protected"))).toHaveLength(3);
  });

  it("leaves what another tool has put into the index without a name, and what it leads to", async () => {
    const directory = await temporaryDirectory();
    await fill(directory, { steps: [], rootfs: [], launches: [[2]], tags: [], stray: [1], uploads: [], ages: [0] });
    const [launch] = await recordsIn(directory);
    if (launch?.kind !== "launch") throw new Error("there is no launch record");
    const manifests = launch.images.map(({ digest, mediaType, size }) => ({ digest, mediaType, size }));
    await writeFile(join(directory, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
    const before = await blobsIn(directory);
    const rule = { all: true };
    const pruned = await pruneDirectory({ directory, name: "it", rule, dryRun: false, now: () => now, signal });
    expect(pruned).toMatchObject({ removed: [{ kind: "launch" }], blobs: 1 });
    before.delete(digestOf("stray 1"));
    expect(await blobsIn(directory)).toEqual(before);
  });

  it("touches no directory that is no store", async () => {
    const directory = await temporaryDirectory();
    await fill(directory, { steps: [1], rootfs: [], launches: [], tags: [], stray: [1], uploads: [], ages: [0] });
    await rm(join(directory, "oci-layout"));
    const before = await blobsIn(directory);
    const options = { directory, name: "it", rule: { all: true }, now: () => now, signal };
    for (const dryRun of [true, false]) {
      await expect(pruneDirectory({ ...options, dryRun })).rejects.toMatchObject({ code: "STORE_UNUSABLE" });
    }
    expect(await blobsIn(directory)).toEqual(before);
  });

  it("removes what a killed process was fetching", async () => {
    const directory = await temporaryDirectory();
    await fill(directory, { steps: [], rootfs: [], launches: [], tags: [], stray: [], uploads: [], ages: [] });
    await writeFile(join(directory, "ingest", ownedFileName({ ...(await ownIdentity()), pid: 4_194_304 })), "half");
    await pruneDirectory({ directory, name: "it", rule: nothing, dryRun: false, now: () => now, signal });
    expect(await readdir(join(directory, "ingest"))).toEqual([]);
  });
});
