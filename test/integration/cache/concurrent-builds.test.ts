import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createBuildCache } from "../../../src/cache/build-cache.ts";
import { isCacheKey } from "../../../src/cache/key.ts";
import { readRecordFile, recordPath } from "../../../src/cache/record-directory.ts";
import { parseRecordTag } from "../../../src/cache/registry-tag.ts";
import type { CacheSpec } from "../../../src/cache/spec.ts";
import { unprotectedTrust } from "../../../src/cache/trust.ts";
import type { CacheKey, CacheRecord } from "../../../src/cache/types.ts";
import type { Digest } from "../../../src/oci/digest.ts";
import { writeContext } from "../../e2e/shop/context.ts";
import { disposal } from "../../support/disposal.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { buildImage, buildLayer } from "../../support/image-builder.ts";
import { uploadImage } from "../../support/image-upload.ts";
import { type CommandHome, commandHome } from "../../support/kubefile-command.ts";
import { amd64, temporaryStore } from "../../support/sample-images.ts";
import { upstreamClient } from "../../support/upstream-client.ts";

const BUILDS = 10;
const VARIANTS = ["one", "two", "three"] as const;
type Variant = (typeof VARIANTS)[number];

const closing = disposal();
const { signal } = new AbortController();
let home: CommandHome;
let registry: DockerRegistry;
const contexts = new Map<Variant, string>();
beforeAll(async () => {
  home = await commandHome();
  // Version 2 answers 500 while two builds send it the same blob.
  registry = await startDockerRegistry({ distribution: 3 });
  const base = await buildLayer([{ path: "base", content: "the same in all" }]);
  for (const variant of VARIANTS) {
    const own = await buildLayer([{ path: "own", content: variant }]);
    const image = buildImage({ format: "oci", layers: [base, own], entrypoint: ["/own"] });
    await uploadImage(registry, `shop/${variant}`, "1", image);
    contexts.set(variant, await writeContext(join(home.directory, variant), filesOf(variant)));
  }
});
afterAll(async () => {
  await registry?.stop();
  await home?.remove();
});

/** Variants share their first step and differ in the second, in a stage, and in the image that they launch. */
function filesOf(variant: Variant): Record<string, string> {
  const image = `${registry.host}/shop/${variant}:1`;
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: variant } };
  return {
    Kubefile: [
      "FROM scratch AS settings",
      "COPY settings settings",
      "FROM scratch",
      "COPY shared etc",
      "COPY --from=settings settings etc",
      "APP web local://web/",
      "LAUNCH web",
      "",
    ].join("\n"),
    ...Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`shared/${index}`, `${index}\n`.repeat(500)])),
    settings: `${variant}\n`,
    "web/pod.yaml": JSON.stringify({ ...pod, spec: { containers: [{ name: "web", image }] } }),
  };
}

interface Built {
  readonly digest: string;
  readonly warnings: readonly string[];
}

async function build(name: string, variant: Variant, flags: readonly string[]): Promise<Built> {
  const report = join(home.directory, `${name}.json`);
  const context = contexts.get(variant) ?? "";
  const args = ["build", "--capture", "static", "--no-lock", ...flags, "--report", report, context];
  const { exitCode, stderr } = await home.kubefile(args);
  expect(exitCode, `${name}: ${stderr}`).toBe(0);
  return JSON.parse(await readFile(report, "utf8"));
}

/** Every record of a store or of a directory like one, read as builds read it. */
async function recordsIn(directory: string): Promise<readonly CacheRecord[]> {
  const names = (await readdir(join(directory, "records", "unprotected"))).map((name) => name.replace(/\.json$/, ""));
  return Promise.all(
    names.map(async (key) => {
      if (!isCacheKey(key)) throw new Error(`${key} is no key`);
      const found = await readRecordFile(recordPath(directory, "unprotected", key), key);
      if (found === undefined || "problem" in found) throw new Error(`record ${key}: ${found?.problem ?? "gone"}`);
      return found.record;
    }),
  );
}

function blobsOf(record: CacheRecord): readonly Digest[] {
  switch (record.kind) {
    case "step":
      return record.layer === undefined ? [] : [record.layer.descriptor.digest];
    case "rootfs":
      return record.layers.map(({ descriptor }) => descriptor.digest);
    case "launch":
      return record.images.map(({ digest }) => digest);
  }
}

/** Reads records as a build does that starts with nothing and has one place to read from; their blobs, too. */
async function expectReadable(records: readonly CacheRecord[], from: CacheSpec): Promise<void> {
  const client = closing(upstreamClient());
  const local = await temporaryStore();
  const warnings: string[] = [];
  const cache = closing(
    createBuildCache({
      ...{ local, from: [from], to: [], trust: unprotectedTrust("a test"), platform: amd64, client },
      now: () => new Date("2026-01-02T03:04:05Z"),
      warn: (message) => warnings.push(message),
    }),
  );
  for (const record of records) {
    const found = await cache.find(record.kind, record.key, { signal });
    expect(found).toMatchObject({ record, from: from.written });
    const [origin] = found?.origins ?? [];
    for (const digest of blobsOf(record)) {
      if (origin !== undefined) await local.ensure(digest, origin.fetcher(digest), { signal });
      expect(await local.verify(digest)).toBe(true);
    }
  }
  expect(warnings).toEqual([]);
}

const keysOf = (records: readonly CacheRecord[]): CacheKey[] => records.map(({ key }) => key).sort();

test("ten processes with one store, one registry and one local cache each make what a lone build makes", async () => {
  const repository = { host: registry.host, path: "shop/cache" };
  const directory = join(home.directory, "cache");
  await mkdir(directory);
  const lone = new Map<Variant, string>();
  for (const variant of VARIANTS) {
    lone.set(variant, (await build("lone", variant, ["--store", join(home.directory, `lone-${variant}`)])).digest);
  }
  expect(new Set(lone.values()).size).toBe(VARIANTS.length);

  const shared = [
    ...["--store", home.store, "--cache-from", `type=registry,ref=${registry.host}/shop/cache`],
    ...["--cache-to", `type=registry,ref=${registry.host}/shop/cache`],
    ...["--cache-from", `type=local,src=${directory}`, "--cache-to", `type=local,dest=${directory}`, "--push"],
  ];
  const builds = Array.from({ length: BUILDS }, async (_, index) => {
    const variant = VARIANTS[index % VARIANTS.length] ?? "one";
    const built = await build(`build-${index}`, variant, [...shared, "--tag", `${registry.host}/result/${variant}:1`]);
    expect(built).toMatchObject({ digest: lone.get(variant), warnings: [] });
  });
  await Promise.all(builds);

  const records = await recordsIn(home.store);
  // Shared: the step of all variants. Each has: two steps more, its other stage's step, its rootfs, its launch.
  expect(records).toHaveLength(1 + VARIANTS.length * 5);
  const copies = await recordsIn(directory);
  expect(keysOf(copies)).toEqual(keysOf(records));
  const client = closing(upstreamClient());
  const tags = await client.tags(repository, { signal });
  expect(tags.map((tag) => parseRecordTag("cache", tag)?.key).sort()).toEqual(keysOf(records));
  await expectReadable(records, { type: "local", directory, written: "the directory" });
  await expectReadable(records, { type: "registry", repository, prefix: "cache", written: "the registry" });
  for (const place of [home.store, directory]) expect(await readdir(join(place, "ingest"))).toEqual([]);
  for (const variant of VARIANTS) {
    const { digest } = await client.resolve({ host: registry.host, path: `result/${variant}` }, "1", { signal });
    expect(digest).toBe(lone.get(variant));
  }
});
