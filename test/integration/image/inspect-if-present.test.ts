import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { assembleClusterImage } from "../../../src/image/assemble.ts";
import { pushClusterImage } from "../../../src/image/push.ts";
import { openStore } from "../../../src/store/store.ts";
import { startCountingProxy } from "../../support/counting-proxy.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { sampleOptions } from "../../support/sample-images.ts";
import { startTokenAuthRegistry } from "../../support/token-auth-registry.ts";
import { upstreamClient } from "../../support/upstream-client.ts";
import { type CommandOutcome, kubefile } from "../../unit/cli/command.ts";

let directory: string;
let registry: DockerRegistry;
let digest: string;

beforeAll(async () => {
  [directory, registry] = await Promise.all([mkdtemp(join(tmpdir(), "kubefile-inspect-")), startDockerRegistry()]);
  const client = upstreamClient();
  const store = await openStore(join(directory, "source"));
  const image = await assembleClusterImage(await sampleOptions(store));
  await pushClusterImage({ client, store, image, repository: { host: registry.host, path: "demo/shop" }, tags: ["1"] });
  await Promise.all([client.close(), store.close()]);
  ({ digest } = image);
});

afterAll(async () => {
  await registry.stop();
  await rm(directory, { recursive: true, force: true });
});

function look(reference: string): Promise<CommandOutcome> {
  const words = ["inspect", "--if-present", "--format", "json", "--store", join(directory, "store")];
  const env = { XDG_STATE_HOME: join(directory, "state"), XDG_CACHE_HOME: join(directory, "cache"), HOME: directory };
  return kubefile([...words, reference], { cwd: directory, env });
}

test("what is there is shown as without the flag", async () => {
  const { exitCode, stdout } = await look(`${registry.host}/demo/shop:1`);
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ digest });
});

test.each(["demo/shop:2", "demo/other:1"])("of %s, which is not there, nothing is printed", async (name) => {
  const { exitCode, stdout, stderr } = await look(`${registry.host}/${name}`);
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "" });
  expect(stderr).toContain(`there is no ${registry.host}/${name}: `);
  expect(stderr).toContain("404");
});

test("what a registry shows to others alone is not there", async () => {
  const guarded = await startTokenAuthRegistry({
    users: [{ username: "a", password: "b", repositories: ["demo/shop"] }],
  });
  onTestFinished(() => guarded.stop());
  const { exitCode, stdout, stderr } = await look(`${guarded.host}/demo/shop:1`);
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "" });
  expect(stderr).toMatch(/there is no .*demo\/shop:1: .*401/);
});

test("a registry that fails does not count as one that has nothing", async () => {
  const failing = await startCountingProxy(registry.host, async () => ({ status: 500, body: "" }));
  onTestFinished(() => failing.stop());
  const { exitCode, stdout, stderr } = await look(`${failing.host}/demo/shop:1`);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
  expect(stderr).toMatch(/error\[REGISTRY\]: cannot fetch: .* answered 500/);
});

test("nor does an image of which the registry has lost a part", async () => {
  const lossy = await startCountingProxy(registry.host, async (_, url) =>
    url.includes("/blobs/") ? { status: 404, body: "" } : undefined,
  );
  onTestFinished(() => lossy.stop());
  const home = await mkdtemp(join(directory, "empty-"));
  const { exitCode, stdout } = await kubefile(
    ["inspect", "--if-present", "--store", join(home, "store"), `${lossy.host}/demo/shop:1`],
    { cwd: home, env: { HOME: home } },
  );
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
});
