import { describe, expect, it } from "vitest";
import { createBuildCache } from "../../../src/cache/build-cache.ts";
import { encodeRecord } from "../../../src/cache/record.ts";
import type { CacheSpec } from "../../../src/cache/spec.ts";
import { type CacheTrust, protectedTrust, unprotectedTrust } from "../../../src/cache/trust.ts";
import type { BuildCache } from "../../../src/cache/types.ts";
import { createDialer } from "../../../src/registry/dialer.ts";
import { Secret } from "../../../src/registry/secret.ts";
import { disposal } from "../../support/disposal.ts";
import { type GhaCacheServer, type GhaJob, startGhaCacheServer } from "../../support/gha-cache-server.ts";
import { amd64, temporaryStore } from "../../support/sample-images.ts";
import { keyOf, rootfsRecord, sampleLayer, stepRecord } from "../../support/sample-records.ts";
import { upstreamClient } from "../../support/upstream-client.ts";

const closing = disposal();
const { signal } = new AbortController();
const record = stepRecord("a", sampleLayer("manifests"));
const gha: CacheSpec = { type: "gha", prefix: "cache", written: "type=gha" };

const main: GhaJob = { token: "token-of-main", scope: "refs/heads/main", reads: [] };
const topic: GhaJob = { token: "token-of-topic", scope: "refs/heads/topic", reads: ["refs/heads/main"] };
const other: GhaJob = { token: "token-of-other", scope: "refs/heads/other", reads: ["refs/heads/main"] };
const reader: GhaJob = { token: "token-of-reader", scope: "refs/pull/1/merge", reads: [main.scope], mayWrite: false };

async function startServer(): Promise<GhaCacheServer> {
  return closing(await startGhaCacheServer([main, topic, other, reader]));
}

/** The cache of one build on a runner of its own: its store is empty. */
async function buildOf(
  url: string | undefined,
  job: GhaJob,
  trust: CacheTrust = unprotectedTrust("a test"),
  at = new Date(0),
): Promise<{ cache: BuildCache; warnings: string[] }> {
  const warnings: string[] = [];
  const dialer = closing(createDialer({ connectTimeout: 2_000, idleTimeout: 2_000 }));
  const access = { token: new Secret(job.token), dialer, userAgent: "kubefile-test", random: () => 0 };
  const cache = createBuildCache({
    ...{ local: await temporaryStore(), from: [gha], to: [gha], trust, platform: amd64 },
    client: closing(upstreamClient()),
    gha: url === undefined ? undefined : { ...access, url: new URL(url) },
    now: () => at,
    warn: (message) => warnings.push(message),
  });
  return { cache: closing(cache), warnings };
}

function find({ cache }: { cache: BuildCache }): Promise<unknown> {
  return cache.find("step", record.key, { signal });
}

describe("type=gha", () => {
  it("is a miss at first, and a hit for the next build", async () => {
    const server = await startServer();
    const first = await buildOf(server.url, main);
    expect(await find(first)).toBeUndefined();
    await first.cache.save(record, { signal });
    const second = await buildOf(server.url, main);
    expect(await find(second)).toEqual({ record, from: "type=gha", origins: [] });
    // What was found is in the local store now.
    expect(await find(second)).toMatchObject({ from: "the local store" });
    expect([...first.warnings, ...second.warnings]).toEqual([]);
    expect(server.entries()).toEqual([
      {
        key: expect.stringMatching(`^cache-${record.key}-[0-9a-f]{12}$`),
        scope: main.scope,
        version: expect.any(String),
      },
    ]);
  });

  it("sends its token to the service alone, not to the store of bytes", async () => {
    const server = await startServer();
    await (await buildOf(server.url, main)).cache.save(record, { signal });
    await find(await buildOf(server.url, main));
    for (const { path, headers } of server.http.requests) {
      expect(headers.authorization).toBe(path.startsWith("/twirp/") ? "Bearer token-of-main" : undefined);
    }
    expect(server.calls()).toContain("PUT");
    expect(server.calls()).toContain("GET");
  });

  it("sees what its own branch and the default branch wrote, and nothing of other branches", async () => {
    const server = await startServer();
    const [a, b] = [stepRecord("a"), stepRecord("b")];
    await (await buildOf(server.url, main)).cache.save(a, { signal });
    await (await buildOf(server.url, topic)).cache.save(b, { signal });
    const seen = async (job: GhaJob): Promise<boolean[]> => {
      const { cache } = await buildOf(server.url, job);
      return Promise.all([a, b].map(async ({ key }) => (await cache.find("step", key, { signal })) !== undefined));
    };
    expect(await seen(main)).toEqual([true, false]);
    expect(await seen(topic)).toEqual([true, true]);
    expect(await seen(other)).toEqual([true, false]);
  });

  it("writes no second entry where it can read one", async () => {
    const server = await startServer();
    await (await buildOf(server.url, main)).cache.save(record, { signal });
    await (await buildOf(server.url, topic)).cache.save(record, { signal });
    await (await buildOf(server.url, main)).cache.save(record, { signal });
    expect(server.entries()).toHaveLength(1);
  });

  it("finds the newest of records that took each other's place", async () => {
    const server = await startServer();
    const versions = ["one", "two", "one"].map((content) => stepRecord("a", sampleLayer(content)));
    for (const [position, version] of versions.entries()) {
      const { cache, warnings } = await buildOf(server.url, main, unprotectedTrust("a test"), new Date(position));
      await cache.save(version, { signal, replace: true });
      expect(await find(await buildOf(server.url, main))).toMatchObject({ record: version });
      expect(warnings).toEqual([]);
    }
    expect(server.entries()).toHaveLength(3);
  });

  it("keeps records of protected refs apart", async () => {
    const server = await startServer();
    await (await buildOf(server.url, main, unprotectedTrust("a branch"))).cache.save(record, { signal });
    const release = await buildOf(server.url, main, protectedTrust("a release"));
    expect(await find(release)).toBeUndefined();
    await release.cache.save(record, { signal });
    expect(await find(await buildOf(server.url, main, protectedTrust("a release")))).toMatchObject({ record });
  });

  it("is a miss without a warning when the entry was evicted, before or after it was found", async () => {
    const server = await startServer();
    await (await buildOf(server.url, main)).cache.save(record, { signal });
    server.loseContent(() => true);
    const late = await buildOf(server.url, main);
    expect(await find(late)).toBeUndefined();
    server.evict(() => true);
    expect(await find(late)).toBeUndefined();
    await late.cache.save(record, { signal });
    expect(await find(await buildOf(server.url, main))).toMatchObject({ record });
    expect(late.warnings).toEqual([]);
  });

  it.each<[string, (bytes: Buffer) => Buffer, string]>([
    ["cut", (bytes) => bytes.subarray(0, 20), "it is not JSON: "],
    ["another's", () => encodeRecord(stepRecord("b")), "it is of key 3e23e8160039"],
    ["of another kind", () => encodeRecord(rootfsRecord("a", [])), "it is a rootfs record"],
    ["somebody's archive", () => Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0]), "it is not JSON: "],
  ])("takes an entry that is %s for absent, with one warning, and writes another", async (_, change, problem) => {
    const server = await startServer();
    await (await buildOf(server.url, main)).cache.save(record, { signal });
    server.spoil(() => true, change);
    const build = await buildOf(server.url, main);
    expect(await find(build)).toBeUndefined();
    expect(build.warnings).toEqual([
      expect.stringContaining(`type=gha: the record of key ca978112ca1b is taken for absent: ${problem}`),
    ]);
    await build.cache.save(record, { signal, replace: true });
    expect(await find(await buildOf(server.url, main))).toMatchObject({ record });
  });

  it("warns once of a full quota, and writes nothing more", async () => {
    const server = await startServer();
    server.setQuota(0);
    const { cache, warnings } = await buildOf(server.url, main);
    for (const name of ["a", "b", "c"]) await cache.save(stepRecord(name), { signal });
    expect(warnings).toEqual([
      "type=gha cannot be written, and the build goes on without it: GitHub's cache answered 403 for CreateCacheEntry, as the storage for caches is used up: insufficient usage to create cache entry",
    ]);
    expect(server.calls().filter((call) => call === "CreateCacheEntry")).toHaveLength(1);
    expect(await cache.find("step", keyOf("b"), { signal })).toMatchObject({ from: "the local store" });
  });

  it("passes on what the service says to people", async () => {
    const server = await startServer();
    server.fail("CreateCacheEntry", { status: 200, body: { ok: false, message: "come back tomorrow" } });
    const { cache, warnings } = await buildOf(server.url, main);
    await cache.save(record, { signal });
    expect(warnings).toEqual([
      "type=gha cannot be written, and the build goes on without it: GitHub's cache refused CreateCacheEntry: come back tomorrow",
    ]);
  });

  it("waits as long as a limit of requests asks for, when that is short", async () => {
    const server = await startServer();
    const busy = {
      status: 429,
      headers: { "retry-after": "1" },
      body: { code: "resource_exhausted", msg: "slow down" },
    };
    server.fail("CreateCacheEntry", busy);
    const { cache, warnings } = await buildOf(server.url, main);
    const started = performance.now();
    await cache.save(record, { signal });
    expect(performance.now() - started).toBeGreaterThanOrEqual(1_000);
    expect(warnings).toEqual([]);
    expect(server.entries()).toHaveLength(1);
  });

  it("does not wait for long, and asks no more in this build", async () => {
    const server = await startServer();
    const busy = {
      status: 429,
      headers: { "retry-after": "58" },
      body: { code: "resource_exhausted", msg: "slow down" },
    };
    server.fail("CreateCacheEntry", busy, busy);
    const { cache, warnings } = await buildOf(server.url, main);
    for (const name of ["a", "b", "c"]) await cache.save(stepRecord(name), { signal });
    expect(warnings).toEqual([
      "type=gha cannot be written, and the build goes on without it: GitHub's cache answered 429 for CreateCacheEntry: slow down, and asks to wait 58 s",
    ]);
    expect(server.calls().filter((call) => call === "CreateCacheEntry")).toHaveLength(1);
  });

  it("tries again after a short failure, and warns once of a lasting one", async () => {
    const server = await startServer();
    const down = { status: 503 };
    server.fail("GetCacheEntryDownloadURL", down, down);
    const patient = await buildOf(server.url, main);
    expect(await find(patient)).toBeUndefined();
    expect(patient.warnings).toEqual([]);
    server.fail("GetCacheEntryDownloadURL", down, down, down, down, down, down);
    const { cache, warnings } = await buildOf(server.url, main);
    for (const name of ["a", "b"]) expect(await cache.find("step", keyOf(name), { signal })).toBeUndefined();
    expect(warnings).toEqual([
      "type=gha cannot be read, and the build goes on without it: GitHub's cache answered 503 for GetCacheEntryDownloadURL: try later",
    ]);
  });

  it("lets a job that may only read go on reading", async () => {
    const server = await startServer();
    await (await buildOf(server.url, main)).cache.save(record, { signal });
    const build = await buildOf(server.url, reader);
    await build.cache.save(stepRecord("b"), { signal });
    expect(build.warnings).toEqual([
      "type=gha cannot be written, and the build goes on without it: GitHub's cache answered 403 for CreateCacheEntry: token may not write",
    ]);
    expect(await find(build)).toMatchObject({ record });
  });

  it("says what is missing outside of a job, once", async () => {
    const { cache, warnings } = await buildOf(undefined, main);
    expect(await find({ cache })).toBeUndefined();
    await cache.save(record, { signal });
    const missing =
      "ACTIONS_RESULTS_URL and ACTIONS_RUNTIME_TOKEN are not set: GitHub gives them to actions, not to run: steps (build with this project's action, or use type=registry)";
    expect(warnings).toEqual([`type=gha cannot be used, and the build goes on without it: ${missing}`]);
  });

  it("lets ten builds write and read at the same time", async () => {
    const server = await startServer();
    const builds = await Promise.all(Array.from({ length: 10 }, () => buildOf(server.url, main)));
    const records = Array.from({ length: 6 }, (_, position) => stepRecord(`same ${position}`));
    await Promise.all(builds.flatMap(({ cache }) => records.map((one) => cache.save(one, { signal }))));
    expect(builds.flatMap(({ warnings }) => warnings)).toEqual([]);
    expect(server.entries()).toHaveLength(records.length);
    const { cache } = await buildOf(server.url, main);
    for (const one of records) expect(await cache.find("step", one.key, { signal })).toMatchObject({ record: one });
  });

  it("tells neither the token nor a signed address when something fails", async () => {
    const server = await startServer();
    server.fail("PUT", { status: 403, body: { msg: "denied" } });
    const { cache, warnings } = await buildOf(server.url, main);
    await cache.save(record, { signal });
    expect(warnings).toEqual([
      "type=gha cannot be written, and the build goes on without it: GitHub's cache answered 403 for the upload of an entry",
    ]);
    const gone = await startServer();
    const lost = await buildOf(gone.url, main);
    await gone.close();
    await find(lost);
    expect(lost.warnings).toEqual([
      expect.stringMatching(/GitHub's cache at 127\.0\.0\.1:\d+ cannot be reached for GetCacheEntryDownloadURL/),
    ]);
    expect(JSON.stringify([warnings, lost.warnings])).not.toMatch(/token-of-main|sig=/);
  });

  it("stops at once when it is told to", async () => {
    const server = await startServer();
    const { cache, warnings } = await buildOf(server.url, main);
    const stop = new AbortController();
    server.fail("GetCacheEntryDownloadURL", { status: 429, headers: { "retry-after": "20" } });
    const finding = cache.find("step", record.key, { signal: stop.signal });
    setTimeout(() => stop.abort(new Error("stopped")), 50);
    await expect(finding).rejects.toThrow("stopped");
    expect(warnings).toEqual([]);
  });
});
