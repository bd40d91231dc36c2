import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { type ActionRunner, actionRunner } from "../../support/action-run.ts";
import { type HttpFixture, startHttpFixture } from "../../support/http-fixture.ts";

const execute = promisify(execFile);
const release = inject("release");
const architecture = process.arch === "arm64" ? "arm64" : "amd64";
const program = (name: string): Buffer => Buffer.from(`#!/bin/sh\necho ${name} of the mirror\n`);
const sumOf = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

let files: Map<string, Buffer>;
let mirror: HttpFixture;
let runner: ActionRunner;

beforeAll(async () => {
  const kind = `/mirror/github.com/kubernetes-sigs/kind/releases/download/v0.99.0/kind-linux-${architecture}`;
  const kubectl = `/mirror/dl.k8s.io/release/v1.99.0/bin/linux/${architecture}/kubectl`;
  const helm = `/mirror/get.helm.sh/helm-v3.99.0-linux-${architecture}.tar.gz`;
  const archive = await archiveOf(`linux-${architecture}/helm`, program("helm"));
  files = new Map([
    [kind, program("kind")],
    [`${kind}.sha256sum`, Buffer.from(`${sumOf(program("kind"))}  kind-linux-${architecture}\n`)],
    [kubectl, program("kubectl")],
    [`${kubectl}.sha256`, Buffer.from(sumOf(program("kubectl")))],
    [helm, archive],
    [`${helm}.sha256sum`, Buffer.from(`${sumOf(archive)}  helm.tar.gz\n`)],
    // What a mirror would hold that somebody has got at.
    [kind.replaceAll("v0.99.0", "v0.33.0"), program("evil")],
    [kind.replaceAll("v0.99.0", "v0.98.0"), program("evil")],
    [`${kind.replaceAll("v0.99.0", "v0.98.0")}.sha256sum`, Buffer.from(`${"0".repeat(64)}  kind\n`)],
  ]);
  mirror = await startHttpFixture((request, response) => {
    const found = files.get(request.path);
    response.writeHead(found === undefined ? 404 : 200).end(found);
  });
});
afterAll(() => mirror.close());
beforeEach(async () => {
  runner = await actionRunner(release);
});
afterEach(() => runner.remove());

async function archiveOf(path: string, bytes: Buffer): Promise<Buffer> {
  const directory = await mkdtemp(join(tmpdir(), "kubefile-archive-"));
  try {
    await mkdir(join(directory, path, ".."), { recursive: true });
    await writeFile(join(directory, path), bytes);
    await execute("tar", ["--create", "--gzip", "--file", join(directory, "archive"), "--directory", directory, path]);
    return await readFile(join(directory, "archive"));
  } finally {
    await rm(directory, { recursive: true });
  }
}

const others = { "kind-version": "v0.99.0", "kubectl-version": "1.99.0", "helm-version": "v3.99.0" };

test("puts programs from a mirror on PATH, once a job's machine, and kubefile itself", async () => {
  const inputs = { ...others, "download-mirror": `${mirror.url}/mirror/` };
  const result = await runner.run("setup", { inputs });
  expect({ exitCode: result.exitCode, outputs: result.outputs }).toEqual({
    exitCode: 0,
    outputs: {
      ...{ "kind-version": "v0.99.0", "kubectl-version": "v1.99.0", "helm-version": "v3.99.0" },
      "kubefile-version": expect.stringMatching(/^\d/),
    },
  });
  const path = `${result.path.join(":")}:/usr/bin:/bin`;
  const said = async (name: string, ...args: string[]): Promise<string> =>
    (await execute(name, args, { env: { PATH: path } })).stdout.trim();
  expect([await said("kind"), await said("kubectl"), await said("helm")]).toEqual([
    ...["kind of the mirror", "kubectl of the mirror", "helm of the mirror"],
  ]);
  // No node is on that PATH.
  expect(await said("kubefile", "--version")).toBe(result.outputs["kubefile-version"]);
  const before = mirror.requests.length;
  expect(await runner.run("setup", { inputs })).toMatchObject({ exitCode: 0, path: result.path });
  expect(mirror.requests.length).toBe(before);
});

test.each([
  ["is not what is pinned", {}, /kind v0\.33\.0 from .*: its sha256 is [0-9a-f]{64}, and [0-9a-f]{64} was expected/],
  ["is not what its project published", { "kind-version": "v0.98.0" }, /its sha256 is .* and 0{64} was expected/],
  ["is not there", { "kind-version": "v0.97.0" }, /kind v0\.97\.0 from .*404/],
])("a program that %s is not put anywhere", async (_, version, message) => {
  const inputs = { tools: "kind", "download-mirror": `${mirror.url}/mirror`, ...version };
  const result = await runner.run("setup", { inputs });
  expect(result.exitCode).toBe(3);
  expect(result.log.join("\n")).toMatch(message);
  expect({ path: result.path, outputs: result.outputs }).toEqual({ path: [], outputs: {} });
});

test("kubefile comes alone where nothing else is asked for", async () => {
  const result = await runner.run("setup", { inputs: { tools: "none", "download-mirror": `${mirror.url}/nowhere` } });
  expect(result.exitCode).toBe(0);
  expect(Object.keys(result.outputs)).toEqual(["kubefile-version"]);
  expect(result.path).toHaveLength(1);
});

test.each([
  [{ tools: "kind, kubeadm" }, 'tools: "kubeadm" is no program that is set up here'],
  [{ "kind-version": "latest" }, 'kind-version "latest" is not a release'],
  [{ "kind-version": "v1.2.3/../../x" }, 'kind-version "v1.2.3/../../x" is not a release'],
  [{ "download-mirror": "ftp://mirror" }, "download-mirror is not the address of a web server"],
  [{ "download-mirror": "https://u:c4n4ry@mirror" }, "download-mirror is not the address of a web server"],
])("wrong inputs are told: %j", async (inputs, message) => {
  const { exitCode, log } = await runner.run("setup", { inputs });
  expect(exitCode).toBe(2);
  expect(log.join("\n")).toContain(message);
  expect(log.join("\n")).not.toContain("c4n4ry");
});
