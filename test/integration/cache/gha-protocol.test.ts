import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { restoreCache, saveCache } from "@actions/cache";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { type GhaCacheServer, type GhaJob, startGhaCacheServer } from "../../support/gha-cache-server.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const temporaryDirectory = temporaryDirectories();
const main: GhaJob = { token: "token-of-main", scope: "refs/heads/main", reads: [] };
const topic: GhaJob = { token: "token-of-topic", scope: "refs/heads/topic", reads: [main.scope] };
const reader: GhaJob = { token: "token-of-reader", scope: "refs/pull/1/merge", reads: [main.scope], mayWrite: false };

let server: GhaCacheServer;
let file: string;
beforeEach(async () => {
  server = await startGhaCacheServer([main, topic, reader]);
  const workspace = await temporaryDirectory();
  file = join(workspace, "kept", "file");
  await mkdir(join(workspace, "kept"));
  vi.stubEnv("ACTIONS_CACHE_SERVICE_V2", "true");
  vi.stubEnv("ACTIONS_RESULTS_URL", server.url);
  vi.stubEnv("GITHUB_WORKSPACE", workspace);
  vi.stubEnv("RUNNER_TEMP", workspace);
  // It prints commands for a runner, and the tests may be running on one.
  const silenced = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  return async () => {
    silenced.mockRestore();
    vi.unstubAllEnvs();
    await server.close();
  };
});

/** As a job's step with actions/cache does it. @returns the entry's number, -1 when it was not saved */
async function save(job: GhaJob, key: string, content: string): Promise<number> {
  vi.stubEnv("ACTIONS_RUNTIME_TOKEN", job.token);
  await writeFile(file, content);
  return saveCache([join(file, "..")], key);
}

async function restore(job: GhaJob, key: string, prefixes: string[] = []): Promise<[string, string] | undefined> {
  vi.stubEnv("ACTIONS_RUNTIME_TOKEN", job.token);
  await rm(file, { force: true });
  const found = await restoreCache([join(file, "..")], key, prefixes);
  return found === undefined ? undefined : [found, await readFile(file, "utf8")];
}

// What our own client is tested against has to be what GitHub's client takes for the service.
describe("the service that tests have, to GitHub's own client", () => {
  test("keeps and finds entries, the newest that begins alike", async () => {
    expect(await save(main, "a-1", "one")).toBeGreaterThan(0);
    expect(await save(main, "a-2", "two")).toBeGreaterThan(0);
    expect(await restore(main, "a-1")).toEqual(["a-1", "one"]);
    expect(await restore(main, "a-3", ["a-"])).toEqual(["a-2", "two"]);
    expect(await restore(main, "b", ["c"])).toBeUndefined();
  });

  test("has entries that nobody overwrites", async () => {
    await save(main, "a", "one");
    expect(await save(main, "a", "two")).toBe(-1);
    expect(await restore(main, "a")).toEqual(["a", "one"]);
  });

  test("keeps branches apart", async () => {
    await save(main, "of main", "one");
    await save(topic, "of topic", "two");
    expect(await restore(topic, "of main")).toEqual(["of main", "one"]);
    expect(await restore(main, "of topic")).toBeUndefined();
    expect(await save(reader, "of reader", "three")).toBe(-1);
    expect(await restore(reader, "of main")).toEqual(["of main", "one"]);
  });

  test("refuses what is too much", async () => {
    server.setQuota(0);
    expect(await save(main, "a", "one")).toBe(-1);
    server.setQuota(1e9);
    server.fail("CreateCacheEntry", { status: 429, headers: { "retry-after": "30" }, body: { msg: "slow down" } });
    expect(await save(main, "a", "one")).toBe(-1);
    expect(await save(main, "a", "one")).toBeGreaterThan(0);
  });
});
