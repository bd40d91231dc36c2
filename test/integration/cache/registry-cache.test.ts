import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createBuildCache } from "../../../src/cache/build-cache.ts";
import { readRecordManifest } from "../../../src/cache/record-manifest.ts";
import { recordTag } from "../../../src/cache/registry-tag.ts";
import type { RegistryCacheSpec } from "../../../src/cache/spec.ts";
import { type CacheTrust, protectedTrust, unprotectedTrust } from "../../../src/cache/trust.ts";
import type { BuildCache, LaunchRecord } from "../../../src/cache/types.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import { OCI_MANIFEST } from "../../../src/oci/media-types.ts";
import { createRegistryClient } from "../../../src/registry/client.ts";
import type { RegistryClient } from "../../../src/registry/types.ts";
import type { Store } from "../../../src/store/types.ts";
import { startCountingProxy } from "../../support/counting-proxy.ts";
import { disposal } from "../../support/disposal.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { amd64, putImage, putRootfsLayer, sharedLayer, temporaryStore } from "../../support/sample-images.ts";
import { keyOf, launchRecord, stepRecord } from "../../support/sample-records.ts";
import { startTokenAuthRegistry } from "../../support/token-auth-registry.ts";
import { credentialsFor, upstreamClient } from "../../support/upstream-client.ts";

const closing = disposal();
const { signal } = new AbortController();
const branch = unprotectedTrust("a branch");
let registry: DockerRegistry;
beforeAll(async () => {
  registry = await startDockerRegistry();
});
afterAll(() => registry.stop());

async function buildOn(
  path: string,
  options: { trust?: CacheTrust; client?: RegistryClient; host?: string; mountFrom?: readonly string[] } = {},
): Promise<{ cache: BuildCache; local: Store; warnings: string[]; spec: RegistryCacheSpec }> {
  const host = options.host ?? registry.host;
  const spec = { type: "registry", repository: { host, path }, prefix: "cache", written: `of ${path}` } as const;
  const warnings: string[] = [];
  const local = await temporaryStore();
  const cache = createBuildCache({
    ...{ local, from: [spec], to: [spec], trust: options.trust ?? branch, platform: amd64 },
    client: options.client ?? closing(upstreamClient()),
    mountFrom: (options.mountFrom ?? []).map((path) => ({ host, path })),
    now: () => new Date("2026-01-02T03:04:05Z"),
    warn: (message) => warnings.push(message),
  });
  return { cache: closing(cache), local, warnings, spec };
}

async function launchIn(store: Store): Promise<LaunchRecord> {
  return launchRecord("launch", [
    await putImage(store, { reference: "quay.io/shop/web:1", layers: [sharedLayer, "web"], index: true }),
    await putImage(store, { reference: "docker.io/library/redis:7", layers: [sharedLayer, "redis"] }),
  ]);
}

describe("type=registry on a real registry", () => {
  it("keeps a record with its blobs beneath it, for builds that start empty", async () => {
    const first = await buildOn("whole/cache");
    const launch = await launchIn(first.local);
    expect(await first.cache.find("launch", launch.key, { signal })).toBeUndefined();
    await first.cache.save(launch, { signal });
    const second = await buildOn("whole/cache");
    const found = await second.cache.find("launch", launch.key, { signal });
    expect(found).toMatchObject({ record: launch, from: "of whole/cache" });
    const [origin] = found?.origins ?? [];
    expect(origin?.repository).toEqual(first.spec.repository);
    for (const digest of [sharedLayer, "web", "redis"].map(digestOf)) {
      await second.local.ensure(digest, origin!.fetcher(digest), { signal });
      expect(await second.local.verify(digest)).toBe(true);
    }
    expect([...first.warnings, ...second.warnings]).toEqual([]);
  });

  it("mounts what another repository of the registry has, and sends nothing twice", async () => {
    const client = closing(upstreamClient());
    const { cache, local, warnings } = await buildOn("mount/cache", { client, mountFrom: ["mount/shop"] });
    const record = stepRecord("a", await putRootfsLayer(local, "a layer to mount"));
    const open = async () => (await local.open(digestOf("a layer to mount"))).stream;
    const blob = { digest: digestOf("a layer to mount"), size: 16, open };
    await client.pushBlob({ host: registry.host, path: "mount/shop" }, blob, { signal });
    await cache.save(record, { signal });
    const requests = registry.log.filter((line) => line.includes("/v2/mount/cache/"));
    expect(requests.some((line) => line.includes(`mount=sha256%3A${digestOf("a layer to mount").slice(7)}`))).toBe(
      true,
    );
    expect(requests.filter((line) => /"PUT [^"]*blobs\/uploads[^"]*a layer/.test(line))).toEqual([]);
    const before = registry.log.filter((line) => /"(PUT|POST|PATCH) \/v2\/mount\/cache/.test(line)).length;
    await cache.save(record, { signal });
    expect(registry.log.filter((line) => /"(PUT|POST|PATCH) \/v2\/mount\/cache/.test(line))).toHaveLength(before);
    expect(warnings).toEqual([]);
  });

  it("never lets a protected build read what a branch forged", async () => {
    const attacker = await buildOn("forged/cache");
    const honest = await launchIn(attacker.local);
    const forged = { ...honest, images: honest.images.slice(1) };
    await attacker.cache.save(forged, { signal });
    const other = await buildOn("forged/cache");
    expect(await other.cache.find("launch", forged.key, { signal })).toMatchObject({ record: forged });
    const release = await buildOn("forged/cache", { trust: protectedTrust("a release") });
    expect(await release.cache.find("launch", forged.key, { signal })).toBeUndefined();
    // Not even when its manifest is given the protected name as it is.
    const client = closing(upstreamClient());
    const { bytes } = await client.manifest(other.spec.repository, recordTag("cache", "unprotected", forged.key), {});
    await client.pushManifest(
      other.spec.repository,
      recordTag("cache", "protected", forged.key),
      OCI_MANIFEST,
      bytes,
      {},
    );
    expect(await release.cache.find("launch", forged.key, { signal })).toBeUndefined();
    expect(release.warnings).toEqual([expect.stringContaining("is taken for absent: it is unprotected")]);
  });

  it("takes an image under a record's name for absent, and writes over it", async () => {
    const client = closing(upstreamClient());
    const { cache, local, warnings, spec } = await buildOn("foreign/cache", { client });
    const record = stepRecord("a", await putRootfsLayer(local, "manifests"));
    await cache.save(stepRecord("b"), { signal });
    const { bytes } = await client.manifest(spec.repository, recordTag("cache", "unprotected", keyOf("b")), {});
    await client.pushManifest(spec.repository, recordTag("cache", "unprotected", record.key), OCI_MANIFEST, bytes, {});
    expect(await cache.find("step", record.key, { signal })).toBeUndefined();
    expect(warnings).toEqual([expect.stringContaining("is taken for absent: it is of key 3e23e8160039")]);
    await cache.save(record, { signal });
    const after = await buildOn("foreign/cache", { client });
    expect(await after.cache.find("step", record.key, { signal })).toMatchObject({ record });
  });

  it("writes an ordinary manifest where our types are refused", async () => {
    const client = closing(upstreamClient());
    const { RegistryError } = await import("../../../src/registry/errors.ts");
    const strict: RegistryClient = {
      ...client,
      async pushManifest(repository, reference, type, bytes, options) {
        if (bytes.includes('"mediaType":"application/vnd.kubefile'))
          throw new RegistryError(400, "MANIFEST_INVALID", "no");
        await client.pushManifest(repository, reference, type, bytes, options);
      },
    };
    const { cache, local, warnings, spec } = await buildOn("strict/cache", { client: strict });
    const record = stepRecord("a", await putRootfsLayer(local, "manifests"));
    await cache.save(record, { signal });
    const { bytes } = await client.manifest(spec.repository, recordTag("cache", "unprotected", record.key), {});
    expect(readRecordManifest(bytes)).toMatchObject({ entry: { profile: "standard", kind: "step" } });
    const reading = await buildOn("strict/cache");
    expect(await reading.cache.find("step", record.key, { signal })).toMatchObject({ record });
    expect([...warnings, ...reading.warnings]).toEqual([]);
  });

  it("lets ten builds write and read at the same time, and loses nothing", async () => {
    const builds = await Promise.all(Array.from({ length: 10 }, () => buildOn("many/cache")));
    const saved = await Promise.all(
      builds.map(async ({ cache, local }, position) => {
        const own = stepRecord(`own ${position}`, await putRootfsLayer(local, `layer ${position}`));
        const same = stepRecord("same", await putRootfsLayer(local, "same layer"));
        await Promise.all([own, same].map((record) => cache.save(record, { signal })));
        return [own, same];
      }),
    );
    expect(builds.flatMap(({ warnings }) => warnings)).toEqual([]);
    const { cache } = await buildOn("many/cache");
    for (const record of saved.flat())
      expect(await cache.find("step", record.key, { signal })).toMatchObject({ record });
  });

  it("asks again where another build is just writing, which a registry may answer with 500", async () => {
    const seen = new Set<string>();
    const half = await startCountingProxy(registry.host, async (method, url) => {
      const question = `${method} ${url}`;
      if (!url.includes("/manifests/") || seen.has(question)) return undefined;
      seen.add(question);
      return { status: 500, body: "" };
    });
    closing({ close: () => half.stop() });
    const { cache, local, warnings } = await buildOn("half/cache", { host: half.host });
    const record = stepRecord("a", await putRootfsLayer(local, "manifests"));
    await cache.save(record, { signal });
    const reading = await buildOn("half/cache", { host: half.host });
    expect(await reading.cache.find("step", record.key, { signal })).toMatchObject({ record });
    expect([...warnings, ...reading.warnings]).toEqual([]);
    // The last one is for the tag of the protected record.
    const refused = half.requests.filter(({ status }) => status === 500);
    expect(refused.map(({ method }) => method)).toEqual(["GET", "PUT", "GET"]);
  });

  it("reads and writes with a token, and warns once without one", async () => {
    const user = { username: "shop", password: "secret", repositories: ["team/cache"] };
    const guarded = await startTokenAuthRegistry({ users: [user] });
    closing({ close: () => guarded.stop() });
    const client = closing(
      createRegistryClient({
        credentials: credentialsFor({ [guarded.host]: user }),
        userAgent: "kubefile-test",
        trustedHosts: () => true,
      }),
    );
    const first = await buildOn("team/cache", { client, host: guarded.host });
    const record = stepRecord("a", await putRootfsLayer(first.local, "manifests"));
    await first.cache.save(record, { signal });
    const second = await buildOn("team/cache", { client, host: guarded.host });
    expect(await second.cache.find("step", record.key, { signal })).toMatchObject({ record });
    expect([...first.warnings, ...second.warnings]).toEqual([]);
    const stranger = await buildOn("team/cache", { host: guarded.host });
    for (const name of ["a", "b"]) expect(await stranger.cache.find("step", keyOf(name), { signal })).toBeUndefined();
    expect(stranger.warnings).toEqual([expect.stringContaining("of team/cache cannot be read")]);
    expect(stranger.warnings.join()).not.toContain("secret");
  });
});
