import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type CountingProxy, startCountingProxy } from "../../support/counting-proxy.ts";
import { type FakeReleases, startFakeReleases } from "../../support/github-releases.ts";
import { type CommandHome, commandHome } from "../../support/kubefile-command.ts";
import { tagsOf } from "../../support/repository-tags.ts";
import { registryAuths, type SecondRepository, secondRepository } from "../../support/second-repository.ts";
import { startTokenAuthRegistry, type TokenAuthRegistry } from "../../support/token-auth-registry.ts";
import { callerOf } from "../../support/workflow-caller.ts";

const robot = { username: "robot", password: "correct-horse-battery", repositories: ["demo/shop"] };
let registry: TokenAuthRegistry;
let failing: CountingProxy;
let releases: FakeReleases;
let repository: SecondRepository;
let home: CommandHome;
let name: string;
let auths: string;
let commit: string;

beforeAll(async () => {
  [registry, failing, releases, home] = await Promise.all([
    startTokenAuthRegistry({ users: [robot] }),
    startCountingProxy("127.0.0.1:9", async () => ({ status: 500, body: "" })),
    startFakeReleases("write"),
    commandHome(),
  ]);
  name = `${registry.host}/demo/shop`;
  auths = JSON.stringify([{ registry: registry.host, username: robot.username, password: robot.password }]);
  repository = await secondRepository(inject("release"), { [registryAuths]: auths });
  commit = await repository.commit({
    Kubefile: "FROM scratch\nCOPY message message\nCMD cat message\n",
    message: "hello",
    ".github/workflows/merge.yml": callerOf("push", "build-on-merge.yml", { repository: name, capture: "static" }),
    ".github/workflows/release.yml": callerOf("push", "release.yml", { repository: name }),
    ".github/workflows/failing.yml": callerOf("push", "release.yml", { repository: `${failing.host}/demo/shop` }),
  });
});
afterAll(async () => {
  await Promise.all([registry?.stop(), failing?.stop(), releases?.stop(), repository?.remove(), home?.remove()]);
});

test("a merge that could not be verified moves no tag", async () => {
  // What cannot be launched cannot be verified; that which does not start is test/e2e/actions' business.
  const env = { GITHUB_REF: "refs/heads/main", DOCKER_HOST: "unix:///nowhere/docker.sock" };
  const run = await repository.run("merge.yml", { name: "push", env });
  expect(run.exitCode).not.toBe(0);
  expect(run.log).toMatch(/Build on merge\/Build *\].*Job succeeded/);
  expect(run.log).toMatch(/Build on merge\/Verify *\].*Job failed/);
  expect(run.log).toContain("ENGINE_MISSING");
  expect(run.log).not.toContain("kubefile promote");
  expect(await tagsOf(registry, "demo/shop", robot).list()).toEqual([]);
});

test("what was never rehearsed is not released, not even when it has its commit's tag", async () => {
  const tag = `sha-${commit.slice(0, 12)}`;
  const build = ["build", "--capture", "static", "--tag", `${name}:${tag}`, "--push", repository.directory];
  const built = await home.kubefile(build, { env: { KUBEFILE_REGISTRY_AUTHS: auths } });
  expect(built.exitCode, built.stderr).toBe(0);

  const env = { GITHUB_REF: "refs/tags/v1.4.2", GITHUB_API_URL: releases.url };
  const run = await repository.run("release.yml", { name: "push", env });
  expect(run.exitCode).not.toBe(0);
  expect(run.log).toContain("has the grade static, and a release must be ready");
  expect(run.log).not.toContain(robot.password);
  expect(await tagsOf(registry, "demo/shop", robot).list()).toEqual([tag]);
  expect(releases.server.requests).toEqual([]);
});

test("nothing is built in the stead of an image that a failing registry may have", async () => {
  const env = { GITHUB_REF: "refs/tags/v1.4.2", GITHUB_API_URL: releases.url };
  const run = await repository.run("failing.yml", { name: "push", env });
  expect(run.exitCode).not.toBe(0);
  expect(run.log).toMatch(/Find the verified image *\].*Job failed/);
  expect(run.log).toMatch(/error.*answered 500/);
  expect(run.log).not.toContain("kubefile build");
  expect(run.log).not.toMatch(/Build *\].*Job succeeded/);
  expect(failing.count("POST", "PUT", "PATCH")).toBe(0);
  expect(releases.server.requests).toEqual([]);
});
