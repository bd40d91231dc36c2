import { cp, readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type FakeGitHub, startFakeGitHub } from "../../support/github-comments.ts";
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
let repository: SecondRepository;
let tags: Tags;
/** Two commits, merged at once. */
let first: string;
let second: string;
let merged: readonly WorkflowRun[];

beforeAll(async () => {
  [registry, github] = await Promise.all([startTokenAuthRegistry({ users: [robot] }), startFakeGitHub()]);
  github.permissions = { statuses: "write" };
  tags = tagsOf(registry, "demo/shop", robot);
  const auths = [{ registry: registry.host, username: robot.username, password: robot.password }];
  repository = await secondRepository(inject("release"), { [registryAuths]: JSON.stringify(auths) });
  app = await startTinyApp(join(repository.directory, ".."));
  await cp(app.context, repository.directory, { recursive: true });
  // What is raced for are the tags, behind the proof of each: how images were found plays no part in it.
  const inputs = { mirrors: `docker.io=${app.registry.url}`, "quiet-window": "2s", capture: "static" };
  first = await repository.commit({
    ".github/workflows/merge.yml": callerOf("push", "build-on-merge.yml", {
      repository: `${registry.host}/demo/shop`,
      ...inputs,
    }),
  });
  second = await repository.commit({});
  const clones = await Promise.all([first, second].map((commit) => repository.clone(commit)));
  const payload = { repository: { default_branch: "main" } };
  const push = { name: "push", payload, env: { GITHUB_REF: "refs/heads/main", GITHUB_API_URL: github.url } };
  merged = await Promise.all(clones.map((clone) => clone.run("merge.yml", push)));
});

afterAll(async () => {
  await Promise.all([app?.stop(), registry?.stop(), github?.stop()]);
  await repository?.remove();
});

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

test("the proof is marked on the commit, with the way to its run", () => {
  const mark = {
    context: "kubefile/verify",
    state: "success",
    target_url: "https://github.com/shop/app/actions/runs/1",
  };
  expect(github.statuses).toMatchObject([mark, mark]);
});

test("of two merges at once the later one has the branch's tags, however they end", async () => {
  const names = [commitTag(first), commitTag(second), "main", "edge"];
  expect(await Promise.all(names.map(tags.revisionOf))).toEqual([first, second, second, second]);
});

test("both have left nothing", async () => {
  const { XDG_STATE_HOME: state = "", TMPDIR: temporary = "" } = repository.environment;
  expect(await readdir(join(state, "kubefile", "runs")).catch(() => [])).toEqual([]);
  expect((await readdir(temporary)).filter((file) => /kubefile/.test(file))).toEqual([]);
});
