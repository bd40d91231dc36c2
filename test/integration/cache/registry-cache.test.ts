import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createBuildCache } from "../../../src/cache/build-cache.ts";
import { encodeRecord } from "../../../src/cache/record.ts";
import { blobsOf } from "../../../src/cache/record-blobs.ts";
import { writeRecordManifest } from "../../../src/cache/record-manifest.ts";
import { recordTag } from "../../../src/cache/registry-tag.ts";
import type { CacheSpec } from "../../../src/cache/spec.ts";
import { type CacheTrust, protectedTrust, readOnly, unprotectedTrust } from "../../../src/cache/trust.ts";
import type { BuildCache, LaunchRecord } from "../../../src/cache/types.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import { OCI_MANIFEST } from "../../../src/oci/media-types.ts";
import type { RegistryClient } from "../../../src/registry/types.ts";
import type { Store } from "../../../src/store/types.ts";
import { type CountingProxy, startCountingProxy } from "../../support/counting-proxy.ts";
import { disposal } from "../../support/disposal.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { amd64, putImage, putRootfsLayer, sharedLayer, temporaryStore } from "../../support/sample-images.ts";
import { launchRecord, rootfsRecord, stepRecord } from "../../support/sample-records.ts";
import { startTokenAuthRegistry, type TokenAuthRegistry } from "../../support/token-auth-registry.ts";
import { credentialsFor, upstreamClient } from "../../support/upstream-client.ts";

const closing = disposal();
const { signal } = new AbortController();
const branch = unprotectedTrust("a branch");
const release = protectedTrust("protected ref main");
const writer = { username: "writer", password: "cache-secret", repositories: ["team/cache"] };

let registry: DockerRegistry;
let front: CountingProxy;
let guarded: TokenAuthRegistry;

beforeAll(async () => {
  [registry, guarded] = await Promise.all([startDockerRegistry(), startTokenAuthRegistry({ users: [writer] })]);
  front = await startCountingProxy(registry.host);
});

afterAll(async () => {
  await front?.stop();
  await Promise.all([registry?.stop(), guarded?.stop()]);
});

interface Build {
  readonly local: Store;
  readonly client: RegistryClient;
  readonly cache: BuildCache;
  readonly warnings: string[];
}

/** A build on a new runner, with one repository to read and write. */
async function buildOn(path: string, trust: CacheTrust = branch, host = registry.host): Promise<Build> {
  const local = await temporaryStore();
  const warnings: string[] = [];
  const client = closing(upstreamClient({ credentials: credentialsFor({ [guarded.host]: writer }) }));
  const spec: CacheSpec = { type: "registry", repository: { host, path }, prefix: "cache", written: `ref=${path}` };
  const cache = createBuildCache({
    ...{ local, trust, client, platform: amd64, from: [spec], to: [spec] },
    now: () => new Date(0),
    warn: (message) => warnings.push(message),
  });
  return { local, client, cache: closing(cache), warnings };
}

async function launchIn(store: Store, name = "launch"): Promise<LaunchRecord> {
  return launchRecord(name, [
    await putImage(store, { reference: "quay.io/shop/web:1", layers: [sharedLayer, "web"], index: true }),
    await putImage(store, { reference: "docker.io/library/redis:7", layers: [sharedLayer, "redis"] }),
  ]);
}

describe("type=registry", () => {
  it("keeps records and all their blobs for a runner that has nothing", async () => {
    const first = await buildOn("team/shop");
    const layers = [await putRootfsLayer(first.local, "manifests"), await putRootfsLayer(first.local, "charts")];
    const records = [
      stepRecord("step", layers[0]),
      rootfsRecord("rootfs", layers),
      await launchIn(first.local),
    ] as const;
    for (const record of records) await first.cache.save(record, { signal });

    const second = await buildOn("team/shop");
    for (const record of records) {
      expect(await second.cache.find(record.kind, record.key, { signal })).toMatchObject({
        record,
        from: "ref=team/shop",
      });
    }
    const found = await second.cache.find("launch", records[2].key, { signal });
    // Found before, so it is in the local store now; its blobs are not.
    expect(found?.from).toBe("the local store");
    const [origin] = found?.origins ?? [];
    const images = records[2].images.map(({ digest }) => digest);
    for (const digest of [...images, ...[sharedLayer, "web", "redis", "manifests", "charts"].map(digestOf)]) {
      expect(await second.local.has(digest)).toBeUndefined();
      expect(await origin?.has(digest, { signal })).toBe(true);
      if (origin !== undefined) await second.local.ensure(digest, origin.fetcher(digest), { signal });
      expect(await second.local.verify(digest)).toBe(true);
    }
    expect([...first.warnings, ...second.warnings]).toEqual([]);
  });

  it("asks for a record with two requests and sends what is there a second time not at all", async () => {
    const first = await buildOn("team/twice", branch, front.host);
    const record = await launchIn(first.local);
    await first.cache.save(record, { signal });
    const before = front.requests.length;
    const second = await buildOn("team/twice", readOnly(branch, "a fork"), front.host);
    expect(await second.cache.find("launch", record.key, { signal })).toBeDefined();
    expect(front.requests.slice(before).filter(({ url }) => !url.includes("protected")).length).toBe(2);
    const again = front.requests.length;
    await first.cache.save(record, { signal });
    expect(front.requests.slice(again).map(({ method }) => method)).not.toContain("PUT");
    await second.cache.save(stepRecord("of a fork"), { signal });
    expect(await first.cache.find("step", stepRecord("of a fork").key, { signal })).toBeUndefined();
  });

  it("takes a forged, a truncated and a foreign record for absent", async () => {
    const { local, client, cache, warnings } = await buildOn("team/hostile");
    const repository = { host: registry.host, path: "team/hostile" };
    const record = await launchIn(local);
    await cache.save(record, { signal });
    const tag = recordTag("cache", "unprotected", record.key);
    const other = stepRecord("another key");
    const good = await client.manifest(repository, tag, { signal });
    await client.pushManifest(repository, recordTag("cache", "unprotected", other.key), OCI_MANIFEST, good.bytes, {
      signal,
    });
    const reading = await buildOn("team/hostile");
    expect(await reading.cache.find("step", other.key, { signal })).toBeUndefined();
    expect(reading.warnings).toHaveLength(1);
    expect(reading.warnings[0]).toMatch(/^ref=team\/hostile: the record of key [0-9a-f]{12} is taken for absent: /);
    expect(warnings).toEqual([]);
  });

  it("never gives a release a well-formed record that a branch wrote with an image left out", async () => {
    const honest = await buildOn("team/forged", release);
    const record = await launchIn(honest.local);
    const forged: LaunchRecord = { ...record, images: record.images.slice(1) };
    const attacker = await buildOn("team/forged", branch);
    await launchIn(attacker.local);
    await attacker.cache.save(forged, { signal });
    expect((await (await buildOn("team/forged", branch)).cache.find("launch", record.key, { signal }))?.record).toEqual(
      forged,
    );
    const reading = await buildOn("team/forged", release);
    expect(await reading.cache.find("launch", record.key, { signal })).toBeUndefined();

    // Not even under the tag that releases read, as long as it says where it comes from.
    const repository = { host: registry.host, path: "team/forged" };
    const supply = { store: attacker.local, platform: amd64, origins: () => [] };
    const bytes = encodeRecord(forged);
    const manifest = writeRecordManifest(forged, bytes, await blobsOf(forged, supply, signal), {
      scope: "unprotected",
      created: new Date(0),
      profile: "native",
    });
    const tag = recordTag("cache", "protected", record.key);
    await attacker.client.pushManifest(repository, tag, OCI_MANIFEST, manifest.bytes, { signal });
    expect(await reading.cache.find("launch", record.key, { signal })).toBeUndefined();
    expect(reading.warnings).toEqual([expect.stringMatching(/is taken for absent: it is unprotected$/)]);

    await honest.cache.save(record, { signal });
    const next = await buildOn("team/forged", release);
    expect((await next.cache.find("launch", record.key, { signal }))?.record).toEqual(record);
  });

  it("lets ten builds write and read at the same time, and every key is readable afterwards", async () => {
    const builds = await Promise.all(Array.from({ length: 10 }, () => buildOn("team/many")));
    const saved = await Promise.all(
      builds.map(async ({ local, cache }, position) => {
        const own = stepRecord(`own ${position}`, await putRootfsLayer(local, `layer ${position}`));
        const same = await launchIn(local, "the same");
        await Promise.all([own, same].map((record) => cache.save(record, { signal })));
        return [own, same];
      }),
    );
    const reading = await buildOn("team/many");
    for (const record of saved.flat()) {
      const found = await reading.cache.find(record.kind, record.key, { signal });
      expect(found?.record).toEqual(record);
    }
    expect([...builds, reading].flatMap(({ warnings }) => warnings)).toEqual([]);
  });

  it("speaks to registries behind a token service, and warns once where it may not write", async () => {
    const allowed = await buildOn("team/cache", branch, guarded.host);
    const record = stepRecord("step", await putRootfsLayer(allowed.local, "manifests"));
    await allowed.cache.save(record, { signal });
    const reading = await buildOn("team/cache", branch, guarded.host);
    expect((await reading.cache.find("step", record.key, { signal }))?.record).toEqual(record);
    expect([...allowed.warnings, ...reading.warnings]).toEqual([]);

    const refused = await buildOn("others/cache", branch, guarded.host);
    const layer = await putRootfsLayer(refused.local, "charts");
    for (const name of ["a", "b"]) await refused.cache.save(stepRecord(name, layer), { signal });
    expect(refused.warnings).toHaveLength(1);
    expect(refused.warnings[0]).toMatch(/^ref=others\/cache cannot be written, and the build goes on without it: /);
    expect(refused.warnings.join()).not.toContain(writer.password);
  });
});
