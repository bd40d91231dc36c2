import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { type ActJob, type ActRepository, type ActResult, actRepository } from "../../support/act-run.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { type GhaCacheServer, type GhaJob, startGhaCacheServer } from "../../support/gha-cache-server.ts";
import { buildImage, buildLayer } from "../../support/image-builder.ts";
import { uploadImage } from "../../support/image-upload.ts";

const main: GhaJob = { token: "token-of-main", scope: "refs/heads/main", reads: [] };
const request: GhaJob = { token: "token-of-request", scope: "refs/pull/7/merge", reads: [main.scope] };

let registry: DockerRegistry;
let repository: ActRepository;
let server: GhaCacheServer;

beforeAll(async () => {
  // Version 2 mixes up uploads that meet.
  registry = await startDockerRegistry({ distribution: 3 });
  const layer = await buildLayer([{ path: "web", content: "web" }]);
  const image = buildImage({ format: "oci", layers: [layer], entrypoint: ["/web"] });
  await uploadImage(registry, "shop/web", "1", image);
  repository = await actRepository(inject("release"), {
    ".github/workflows/build.yml": workflow(),
    "app/Kubefile": "FROM scratch\nCOPY etc etc\nAPP web local://web/\nLAUNCH web\n",
    "app/web/pod.yaml": JSON.stringify({
      ...{ apiVersion: "v1", kind: "Pod", metadata: { name: "web" } },
      spec: { containers: [{ name: "web", image: `${registry.host}/shop/web:1` }] },
    }),
  });
});
afterAll(async () => {
  await repository?.remove();
  await registry?.stop();
});
let content = 0;
beforeEach(async () => {
  // Nothing that another test built is of use to this one.
  content += 1;
  await repository.write({ "app/etc/shop.properties": `revision=${content}\n` });
  server = await startGhaCacheServer([main, request]);
  return () => server.close();
});

function workflow(): string {
  return JSON.stringify({
    on: ["push", "pull_request"],
    jobs: {
      build: {
        "runs-on": "ubuntu-latest",
        steps: [
          { uses: "actions/checkout@v5" },
          {
            uses: "kubefile-ci/kubefile-ci@v0",
            with: {
              ...{ context: "app", capture: "static", push: true, insecure: registry.host },
              ...{ tags: `${registry.host}/shop/result:1`, "cache-from": "type=gha", "cache-to": "type=gha" },
            },
          },
        ],
      },
    },
  });
}

function runAs(job: GhaJob | undefined): Promise<ActResult> {
  const services = job === undefined ? {} : { services: { url: server.url, token: job.token } };
  const shop = { full_name: "octocat/shop" };
  const event: ActJob =
    job === request
      ? {
          event: "pull_request",
          payload: {
            number: 7,
            pull_request: { head: { ref: "topic", repo: shop }, base: { ref: "main", repo: shop } },
          },
        }
      : { event: "push", payload: { ref: "refs/heads/main" } };
  return repository.run({ ...event, ...services });
}

/** Whether everything came from the cache; the job must have succeeded, with this many warnings. */
function isHit({ succeeded, outputs, warnings, log }: ActResult, warned = 0): boolean {
  expect({ succeeded, warnings: warnings.length }, log).toEqual({ succeeded: true, warnings: warned });
  return outputs["cache-hit"] === "true";
}

describe("type=gha in a job that act runs", { timeout: 300_000 }, () => {
  test("is a miss at first and a hit on the next runner, whose store is empty", async () => {
    const cold = await runAs(main);
    expect(isHit(cold)).toBe(false);
    // Two steps, the rootfs, and what is launched.
    expect(server.entries()).toHaveLength(4);
    expect(new Set(server.entries().map(({ scope }) => scope))).toEqual(new Set([main.scope]));
    const warm = await runAs(main);
    expect(isHit(warm)).toBe(true);
    expect(warm.outputs.digest).toBe(cold.outputs.digest);
    expect(server.entries()).toHaveLength(4);
    expect(cold.log + warm.log).not.toMatch(/token-of-main|sig=/);
  });

  test("shows a pull request what its base wrote, and the base nothing of the request", async () => {
    await runAs(main);
    const seen = await runAs(request);
    expect(isHit(seen)).toBe(true);
    await repository.write({ "app/etc/shop.properties": "revision=of the request\n" });
    expect(isHit(await runAs(request))).toBe(false);
    expect(isHit(await runAs(request))).toBe(true);
    const scopes = server.entries().map(({ scope }) => scope);
    expect(scopes.filter((scope) => scope === request.scope)).toHaveLength(4);
    const merged = await runAs(main);
    expect(isHit(merged)).toBe(false);
    expect(server.entries().filter(({ scope }) => scope === main.scope)).toHaveLength(8);
  });

  test("is a miss without a word when GitHub has removed the entries, or their bytes", async () => {
    const cold = await runAs(main);
    server.loseContent(() => true);
    const lost = await runAs(main);
    expect(isHit(lost)).toBe(false);
    server.evict(() => true);
    const evicted = await runAs(main);
    expect(isHit(evicted)).toBe(false);
    expect(evicted.outputs.digest).toBe(cold.outputs.digest);
    expect(isHit(await runAs(main))).toBe(true);
  });

  test("tells once that the quota is full, and the job goes on", async () => {
    server.setQuota(0);
    const result = await runAs(main);
    expect(isHit(result, 1)).toBe(false);
    expect(result.warnings[0]).toMatch(/^type=gha cannot be written, .*storage .* is used up/);
    expect(server.calls().filter((call) => call === "CreateCacheEntry")).toHaveLength(1);
  });

  test("waits for a short limit of requests, and not for a long one", async () => {
    const body = { code: "resource_exhausted", msg: "slow down" };
    server.fail("CreateCacheEntry", { status: 429, headers: { "retry-after": "1" }, body });
    expect(isHit(await runAs(main))).toBe(false);
    expect(server.entries()).toHaveLength(4);
    // Both scopes of the first record are asked for together, and nothing afterwards.
    const limit = { status: 429, headers: { "retry-after": "59" }, body };
    const before = server.calls().length;
    server.fail("GetCacheEntryDownloadURL", ...[limit, limit]);
    const limited = await runAs(main);
    expect(isHit(limited, 1)).toBe(false);
    expect(limited.warnings[0]).toMatch(/cannot be read, .* answered 429 .*, and asks to wait 59 s/);
    const asked = server.calls().slice(before);
    expect(asked.slice(0, 2)).toEqual(Array(2).fill("GetCacheEntryDownloadURL"));
    // What it made again is there already.
    expect(asked).not.toContain("CreateCacheEntry");
  });

  test("is gone without for a job that was not told of the service", async () => {
    const result = await runAs(undefined);
    expect(isHit(result, 1)).toBe(false);
    expect(result.warnings[0]).toContain("ACTIONS_RESULTS_URL and ACTIONS_RUNTIME_TOKEN are not set");
    expect(server.calls()).toEqual([]);
  });
});
