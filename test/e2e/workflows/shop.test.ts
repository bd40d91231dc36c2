import { cp, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
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
import { expectedShopImages } from "../../support/shop/expected-images.ts";
import { type Internet, shopCredentials, startInternet } from "../../support/shop/internet.ts";
import { startTokenAuthRegistry, type TokenAuthRegistry } from "../../support/token-auth-registry.ts";
import { callerOf } from "../../support/workflow-caller.ts";

// Every action and every workflow to call, in the order of a change's life; the store of the machine lets one rehearsal do.
const shop = fileURLToPath(new URL("../../../examples/shop", import.meta.url));
const robot = { username: "robot", password: "correct-horse-battery", repositories: ["demo/shop"] };

let internet: Internet;
let registry: TokenAuthRegistry;
let github: FakeGitHub;
let releases: FakeReleases;
let repository: SecondRepository;
let name: string;
let tags: Tags;
let commit: string;
let commitTag: string;

beforeAll(async () => {
  [internet, registry, github, releases] = await Promise.all([
    startInternet({ nodeImage: "kindest/node:v1.34.4" }),
    startTokenAuthRegistry({ users: [robot] }),
    startFakeGitHub(),
    startFakeReleases("write"),
  ]);
  name = `${registry.host}/demo/shop`;
  tags = tagsOf(registry, "demo/shop", robot);
  const auths = [{ registry: registry.host, username: robot.username, password: robot.password }];
  repository = await secondRepository(inject("release"), { [registryAuths]: JSON.stringify(auths) });
  await cp(shop, repository.directory, { recursive: true });
  const mirrors = Object.entries(internet.mirrors)
    .map((mirror) => mirror.join("="))
    .join("\n");
  const common = { mirrors, "quiet-window": "3s" };
  commit = await repository.commit({
    ".github/workflows/merge.yml": callerOf("push", "build-on-merge.yml", { repository: name, ...common }),
    ".github/workflows/steps.yml": stepsOfOwn({ tags: `${name}:pr-12`, ...common }),
    ".github/workflows/release.yml": callerOf("push", "release.yml", { repository: name, ...common }),
    ".github/workflows/preview.yml": callerOf("pull_request", "pr-preview.yml", {
      ...{ repository: name, ...common, env: "SHOP_CURRENCY=CHF", "port-forwards": "shop/svc/web:80" },
      test: 'curl --fail --silent "$WEB_URL" && kubectl get configmap shop-settings -n shop -o jsonpath="{.data.currency}"',
    }),
    ".github/workflows/comment.yml": callerOf("workflow_run", "pr-preview-comment.yml", {}, false),
    ".github/workflows/clean.yml": callerOf("pull_request", "clean.yml", { repositories: name }),
  });
  commitTag = `sha-${commit.slice(0, 12)}`;
});

afterAll(async () => {
  await Promise.all([internet?.stop(), registry?.stop(), github?.stop(), releases?.stop()]);
  await repository?.remove();
});

/** A job of the repository's own, which names our actions one by one. */
function stepsOfOwn(inputs: Readonly<Record<string, string>>): string {
  const ours = (action: string): string => `kubefile-ci/kubefile-ci${action}@v0`;
  const auth = { "registry-auths": `\${{ secrets.${registryAuths} }}` };
  const reference = "${{ steps.image.outputs.reference }}";
  const steps = [
    { uses: "actions/checkout@v5" },
    { uses: ours("/actions/setup"), with: { tools: "none" } },
    { run: "kubefile --version" },
    { id: "lint", uses: ours("/actions/lint") },
    { id: "image", uses: ours(""), with: { ...inputs, ...auth, push: true, outputs: "type=oci,dest=shop.tar" } },
    { id: "diff", uses: ours("/actions/diff"), with: { from: reference, to: "shop.tar", ...auth } },
    {
      id: "clean",
      uses: ours("/actions/clean"),
      with: { "pull-request": 12, repositories: inputs.tags?.replace(/:[^:]*$/, ""), "dry-run": true, ...auth },
    },
    {
      run: 'mkdir -p "$ARTIFACTS" && printf "%s" "$OUTPUTS" >"$ARTIFACTS/outputs.json"',
      env: { OUTPUTS: "${{ toJSON(steps) }}" },
    },
  ];
  return JSON.stringify({ on: "push", jobs: { image: { "runs-on": "ubuntu-latest", steps } } });
}

/** Runs a workflow to its good end. */
async function run(workflow: string, event: Parameters<SecondRepository["run"]>[1]): Promise<WorkflowRun> {
  const ended = await repository.run(workflow, event);
  expect(ended.exitCode, ended.log).toBe(0);
  for (const secret of [robot.password, shopCredentials.password]) expect(ended.log).not.toContain(secret);
  return ended;
}

const push = {
  name: "push",
  payload: { repository: { default_branch: "main" } },
  env: { GITHUB_REF: "refs/heads/main" },
};

test("a merge is built, verified, and has its tags", async () => {
  const { log } = await run("merge.yml", push);
  expect(log).toContain("12 images");
  expect(await tags.list()).toEqual(["edge", "main", commitTag].sort());
});

test("steps of a job find what the merge built, compare it with its archive, and would clean up after a request", async () => {
  await run("steps.yml", push);
  const steps: Readonly<Record<string, { readonly outputs: Readonly<Record<string, string>> }>> = JSON.parse(
    await readFile(join(repository.artifacts, "outputs.json"), "utf8"),
  );
  const digest = await tags.digestOf("main");
  const outputs = steps.image?.outputs;
  expect(outputs).toMatchObject({ digest, reference: `${name}@${digest}`, grade: "ready", "cache-hit": "true" });
  const images: readonly { readonly reference: string; readonly digest: string }[] = JSON.parse(
    outputs?.images ?? "[]",
  );
  expect(images.map((image) => `${image.reference} ${image.digest}`)).toEqual(
    expectedShopImages(internet).map((image) => `${image.reference} ${image.digest}`),
  );
  expect(steps.lint?.outputs).toMatchObject({ errors: "0", warnings: "0" });
  expect(steps.diff?.outputs).toMatchObject({ identical: "true", "transfer-bytes": "0" });
  expect(JSON.parse(steps.clean?.outputs.removed ?? "")).toEqual([`${name}:pr-12`]);
});

test("a release names the image that was verified for its commit, and builds nothing", async () => {
  const digest = await tags.digestOf(commitTag);
  const { log } = await run("release.yml", {
    name: "push",
    env: { GITHUB_REF: "refs/tags/v1.4.2", GITHUB_API_URL: releases.url },
  });
  expect(releases.releases).toMatchObject([{ tag: "v1.4.2", draft: false }]);
  expect(releases.releases[0]?.body).toContain(`${name}@${digest}`);
  expect([...(releases.releases[0]?.files.keys() ?? [])]).toEqual(["shop-1.4.2.tar"]);
  expect(await Promise.all(["1.4.2", "1.4", "1", "latest"].map(tags.digestOf))).toEqual([
    digest,
    digest,
    digest,
    digest,
  ]);
  expect(log).not.toContain("actions/verify@");
});

describe("a pull request", () => {
  const request = {
    action: "synchronize",
    number: 12,
    pull_request: { number: 12, head: { sha: "", repo: { full_name: "shop/app" } } },
  };
  const env = () => ({ GITHUB_REF: "refs/pull/12/merge", GITHUB_API_URL: github.url });

  test("is launched with the network cut, and its comment tells of it", async () => {
    const payload = {
      ...request,
      pull_request: { ...request.pull_request, head: { ...request.pull_request.head, sha: commit } },
    };
    await run("preview.yml", { name: "pull_request", payload, env: env() });
    expect(github.comments.map(({ body }) => body)).toEqual([expect.stringContaining("Preview passed")]);
    for (const told of [commit.slice(0, 12), "<title>Shop</title>", "CHF"])
      expect(github.comments[0]?.body).toContain(told);
  });

  test("of a fork has its comment from another run", async () => {
    github.comments.splice(0);
    github.requests.push({ number: 12, sha: commit, repository: "mallory/app", branch: "change" });
    const head_repository = { id: 7, full_name: "mallory/app" };
    const facts = { id: 1, event: "pull_request", conclusion: "success", head_sha: commit, head_branch: "change" };
    await run("comment.yml", {
      name: "workflow_run",
      payload: { workflow_run: { ...facts, head_repository } },
      env: { GITHUB_REF: "refs/heads/main", GITHUB_API_URL: github.url },
    });
    expect(github.comments.map(({ body }) => body)).toEqual([expect.stringContaining("Preview passed")]);
  });

  test("takes its tags along when it is closed, and no others", async () => {
    const before = await tags.list();
    expect(before).toContain("pr-12");
    await tags.copy("main", "pr-123");
    await run("clean.yml", { name: "pull_request", payload: { ...request, action: "closed" }, env: env() });
    expect(await tags.list()).toEqual([...before.filter((tag) => tag !== "pr-12"), "pr-123"].sort());
    expect(await tags.digestOf("pr-123")).toBe(await tags.digestOf("main"));
  });
});

test("all these runs have left nothing", async () => {
  const { XDG_STATE_HOME: state = "", TMPDIR: temporary = "" } = repository.environment;
  expect(await readdir(join(state, "kubefile", "runs")).catch(() => [])).toEqual([]);
  expect((await readdir(temporary)).filter((file) => /kubefile/.test(file))).toEqual([]);
});
