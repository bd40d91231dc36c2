import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Engine } from "../../../src/cluster/engine.ts";
import { kindProvider } from "../../../src/cluster/kind.ts";
import type { ClusterProvider } from "../../../src/cluster/types.ts";
import { type ProcessIdentity, processIdentity } from "../../../src/process/process-identity.ts";
import { nodeImage, randomRunId, temporaryDirectory, testEngine } from "./machine.ts";

let engine: Engine;
let state: Awaited<ReturnType<typeof temporaryDirectory>>;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let provider: ClusterProvider;

beforeAll(async () => {
  engine = await testEngine();
  state = await temporaryDirectory();
  directory = await temporaryDirectory();
  const owner: ProcessIdentity | undefined = await processIdentity(process.pid);
  if (owner === undefined) throw new Error("this process has no identity");
  provider = kindProvider({ engine, kind: "kind", stateDirectory: state.path, owner });
});

afterAll(async () => {
  await state.remove();
  await directory.remove();
});

async function nothingLeft(runId: string): Promise<void> {
  const containers = await engine.docker(["ps", "--all", "--format", "{{.Names}} {{.Labels}}"]);
  const networks = await engine.docker(["network", "ls", "--format", "{{.Name}}"]);
  expect(containers.stdout + networks.stdout).not.toContain(runId);
  expect(await readdir(state.path)).toEqual([]);
}

const options = { nodeImage, withoutDefaultNetwork: false };

describe("a boot that is interrupted leaves nothing", () => {
  test.each([0, 150, 700, 2_500])("after %i ms", async (delay) => {
    const runId = randomRunId();
    const failure = provider.create({ ...options, runId, signal: AbortSignal.timeout(delay) });
    await expect(failure).rejects.toMatchObject({ code: "CANCELLED" });
    await nothingLeft(runId);
  });
});

describe("a boot that cannot succeed leaves nothing, and says why", () => {
  test("a node image that is nowhere", async () => {
    const runId = randomRunId();
    const signal = AbortSignal.timeout(60_000);
    const failure = provider.create({ ...options, nodeImage: "localhost:1/node:v1.30.7", runId, signal });
    await expect(failure).rejects.toMatchObject({ code: "NODE_IMAGE_MISSING", exitCode: 3 });
    await expect(failure).rejects.toThrow("localhost:1/node:v1.30.7");
    await nothingLeft(runId);
  });

  test("a kind config that kind refuses", async () => {
    const runId = randomRunId();
    const signal = AbortSignal.timeout(60_000);
    const kindConfig = join(directory.path, "kind.yaml");
    await writeFile(kindConfig, "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnodes: [{ role: boss }]\n");
    const failure = provider.create({ ...options, kindConfig, runId, signal });
    await expect(failure).rejects.toMatchObject({ code: "CLUSTER_FAILED" });
    await expect(failure).rejects.toThrow(/kind could not make a cluster of kindest\/node:v1\.34\.4: .*role/s);
    await nothingLeft(runId);
  });

  test("a kind config that is not there", async () => {
    const runId = randomRunId();
    const signal = AbortSignal.timeout(60_000);
    const failure = provider.create({ ...options, kindConfig: "/does/not/exist.yaml", runId, signal });
    await expect(failure).rejects.toMatchObject({
      code: "USAGE",
      message: expect.stringContaining("/does/not/exist.yaml"),
    });
    await nothingLeft(runId);
  });
});
