import { cp, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type FakeGitHub, startFakeGitHub } from "../../support/github-comments.ts";
import { type FakeReleases, startFakeReleases } from "../../support/github-releases.ts";
import { type Tags, tagsOf } from "../../support/repository-tags.ts";
import {
  registryAuths,
  type SecondRepository,
  secondRepository,
  type WorkflowRun,
} from "../../support/second-repository.ts";
import { startTokenAuthRegistry, type TokenAuthRegistry } from "../../support/token-auth-registry.ts";
import { callerOf } from "../../support/workflow-caller.ts";
import { startTinyApp, type TinyApp } from "../cleanup/tiny-app.ts";

const robot = { username: "robot", password: "correct-horse-battery", repositories: ["demo/shop"] };

let app: TinyApp;
let registry: TokenAuthRegistry;
let github: FakeGitHub;
let releases: FakeReleases;
let repository: SecondRepository;
let name: string;
/** Two commits, merged at once, and the image of the first one. */
let first: string;
let second: string;
let merged: readonly WorkflowRun[];
let digest: string | null;
let tags: Tags;

beforeAll(async () => {
  registry = await startTokenAuthRegistry({ users: [robot] });
  [github, releases] = await Promise.all([startFakeGitHub(), startFakeReleases("write")]);
  name = `${registry.host}/demo/shop`;
  tags = tagsOf(registry, "demo/shop", robot);
  const auths = [{ registry: registry.host, username: robot.username, password: robot.password }];
  repository = await secondRepository(inject("release"), { [registryAuths]: JSON.stringify(auths) });
  app = await startTinyApp(join(repository.directory, ".."));
  const common = { mirrors: `docker.io=${app.registry.url}`, "quiet-window": "2s" };
  await cp(app.context, repository.directory, { recursive: true });
  first = await repository.commit({
    ".github/workflows/merge.yml": callerOf("push", "build-on-merge.yml", { repository: name, ...common }),
    ".github/workflows/release.yml": callerOf("push", "release.yml", { repository: name, ...common }),
    ".github/workflows/preview.yml": callerOf("pull_request", "pr-preview.yml", {
      ...{ repository: name, ...common },
      ...{ test: 'test -n "$KUBECONFIG" && echo it is up' },
    }),
    ".github/workflows/comment.yml": callerOf("workflow_run", "pr-preview-comment.yml", {}, false),
    ".github/workflows/clean.yml": callerOf("pull_request", "clean.yml", { repositories: name }),
  });
  second = await repository.commit({});
  const clones = await Promise.all([first, second].map((commit) => repository.clone(commit)));
  merged = await Promise.all(clones.map((clone) => push(clone, "merge.yml")));
  digest = await tags.digestOf(commitTag(first));
});

afterAll(async () => {
  await Promise.all([app?.stop(), registry?.stop(), github?.stop(), releases?.close()]);
  await repository?.remove();
});

/** Runs a workflow for a push to the default branch. */
async function push(clone: SecondRepository, workflow: string): Promise<WorkflowRun> {
  const payload = { repository: { default_branch: "main" } };
  return await clone.run(workflow, { name: "push", payload, env: { GITHUB_REF: "refs/heads/main" } });
}

const commitTag = (commit: string): string => `sha-${commit.slice(0, 12)}`;

test("merges are built and verified, and only then have their tags", async () => {
  for (const { exitCode, log } of merged) {
    expect(exitCode, log).toBe(0);
    expect(log).not.toContain(robot.password);
    const order = ["Run Main kubefile-ci/kubefile-ci/actions/verify@", "Run Main kubefile promote"];
    const [verified = 0, promoted = 0] = order.map((text) => log.indexOf(text));
    expect(verified).toBeGreaterThan(0);
    expect(promoted).toBeGreaterThan(verified);
  }
  expect(await tags.list()).toEqual(["edge", "main", commitTag(first), commitTag(second)].sort());
});

test("of two merges at once the later one has the branch's tags, however they end", async () => {
  const names = [commitTag(first), commitTag(second), "main", "edge"];
  expect(await Promise.all(names.map(tags.revisionOf))).toEqual([first, second, second, second]);
});

test("a release names the image that was verified for its commit, and builds nothing", async () => {
  const clone = await repository.clone(first);
  const env = { GITHUB_REF: "refs/tags/v1.4.2", GITHUB_API_URL: releases.api };
  const run = await clone.run("release.yml", { name: "push", env });
  expect(run.exitCode, run.log).toBe(0);
  expect(releases.violations).toEqual([]);
  expect(releases.releases).toMatchObject([{ tag: "v1.4.2", draft: false }]);
  expect(releases.releases[0]?.body).toContain(`${name}@${digest}`);
  expect([...(releases.releases[0]?.files.keys() ?? [])]).toEqual(["shop-1.4.2.tar"]);
  expect(await Promise.all(["1.4.2", "1.4", "1", "latest"].map(tags.digestOf))).toEqual([
    digest,
    digest,
    digest,
    digest,
  ]);
  expect(run.log).not.toContain("actions/verify@");
});

describe("a pull request", () => {
  const request = (from: string) => ({
    action: "synchronize",
    number: 12,
    pull_request: { number: 12, head: { sha: first, repo: { full_name: from } } },
  });
  const env = () => ({ GITHUB_REF: "refs/pull/12/merge", GITHUB_API_URL: github.url });

  test("is launched with the network cut, and its comment tells of it", async () => {
    const payload = request("shop/app");
    const run = await repository.run("preview.yml", { name: "pull_request", payload, env: env() });
    expect(run.exitCode, run.log).toBe(0);
    expect(github.comments.map(({ body }) => body)).toEqual([expect.stringContaining("Preview passed")]);
    expect(github.comments[0]?.body).toContain(first.slice(0, 12));
    expect(github.comments[0]?.body).toContain("it is up");
  });

  test("of a fork has its comment from another run", async () => {
    github.comments.splice(0);
    github.requests.push({ number: 12, sha: first, repository: "mallory/app", branch: "change" });
    const head_repository = { id: 7, full_name: "mallory/app" };
    const facts = { id: 1, event: "pull_request", conclusion: "success", head_sha: first, head_branch: "change" };
    const payload = { workflow_run: { ...facts, head_repository } };
    const run = await repository.run("comment.yml", {
      name: "workflow_run",
      payload,
      env: { GITHUB_REF: "refs/heads/main", GITHUB_API_URL: github.url },
    });
    expect(run.exitCode, run.log).toBe(0);
    expect(github.comments.map(({ body }) => body)).toEqual([expect.stringContaining("Preview passed")]);
  });

  test("takes its tags along when it is closed, and no others", async () => {
    const before = await tags.list();
    await tags.copy("main", "pr-12");
    await tags.copy("main", "pr-123");
    const payload = { ...request("shop/app"), action: "closed" };
    const run = await repository.run("clean.yml", { name: "pull_request", payload, env: env() });
    expect(run.exitCode, run.log).toBe(0);
    expect(await tags.list()).toEqual([...before, "pr-123"].sort());
    expect(await tags.digestOf("pr-123")).toBe(await tags.digestOf("main"));
  });
});

test("all these runs have left nothing", async () => {
  const { XDG_STATE_HOME: state = "", TMPDIR: temporary = "" } = repository.environment;
  expect(await readdir(join(state, "kubefile", "runs")).catch(() => [])).toEqual([]);
  expect((await readdir(temporary)).filter((file) => /kubefile/.test(file))).toEqual([]);
  expect(await readFile(join(repository.directory, "Kubefile"), "utf8")).toContain("FROM scratch");
});
