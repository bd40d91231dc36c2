import { mkdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { type GitRepository, gitRepository } from "../../support/git-repository.ts";
import { type CommandOutcome, kubefile } from "../../unit/cli/command.ts";

let directory: string;
let registry: DockerRegistry;
let origin: GitRepository;
/** Each from the one before; `side` from `first`. */
let commits: { first: string; second: string; third: string; side: string };

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "kubefile-promote-"));
  registry = await startDockerRegistry();
  mkdirSync(join(directory, "origin"));
  origin = gitRepository(join(directory, "origin"));
  origin.git("init", "--quiet");
  const kubefileText = "FROM scratch\nCOPY message message\nCMD cat message\n";
  const first = origin.commit("first", {
    Kubefile: kubefileText,
    Other: `${kubefileText}LABEL other=1\n`,
    message: "1",
  });
  const second = origin.commit("second", { message: "2" });
  const third = origin.commit("third", { message: "3" });
  origin.git("checkout", "--quiet", "-b", "rewritten", first);
  const side = origin.commit("side", { message: "4" });
  origin.git("checkout", "--quiet", "main");
  commits = { first, second, third, side };
});

afterAll(async () => {
  await registry.stop();
  await rm(directory, { recursive: true, force: true });
});

type Ref = { readonly branch: string } | { readonly tag: string } | { readonly mergeRequest: string };

/** A job of GitLab on its clone of some commits, as a runner makes one. */
class Job {
  readonly #clone: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #repository: string;

  constructor(repository: string, commit: string, ref: Ref, depth = 50) {
    this.#clone = join(directory, `clone-${Math.random()}`);
    mkdirSync(this.#clone);
    const { git } = gitRepository(this.#clone);
    git("init", "--quiet");
    git("remote", "add", "origin", `file://${origin.directory}`);
    git("fetch", "--quiet", "--depth", String(depth), "origin", commit);
    git("checkout", "--quiet", "FETCH_HEAD");
    this.#repository = `${registry.host}/${repository}`;
    this.#env = {
      ...{ GITLAB_CI: "true", CI_COMMIT_SHA: commit, CI_DEFAULT_BRANCH: "main", PATH: process.env.PATH ?? "" },
      ...{ CI_PROJECT_URL: "https://gitlab.test/shop", GIT_CONFIG_NOSYSTEM: "1" },
      ...("branch" in ref ? { CI_COMMIT_BRANCH: ref.branch } : {}),
      ...("tag" in ref ? { CI_COMMIT_TAG: ref.tag } : {}),
      ...("mergeRequest" in ref ? { CI_MERGE_REQUEST_IID: ref.mergeRequest } : {}),
    };
  }

  kubefile(...argv: readonly string[]): Promise<CommandOutcome> {
    return kubefile(argv, { cwd: this.#clone, env: { ...this.#env, HOME: join(directory, "home") } });
  }

  async build(...flags: readonly string[]): Promise<string> {
    const report = join(directory, "metadata.json");
    const built = await this.kubefile(
      ...["build", "--capture", "static", "--push-by-digest", "--tag", this.#repository, "--metadata-file", report],
      ...["--insecure", registry.host, ...flags, "."],
    );
    expect(built).toMatchObject({ exitCode: 0 });
    const metadata: { readonly "image.name": string } = JSON.parse(readFileSync(report, "utf8"));
    return metadata["image.name"];
  }

  /** The lines printed, without the repository's name. */
  async promote(reference: string, ...flags: readonly string[]): Promise<string[]> {
    const outcome = await this.kubefile("promote", "--insecure", registry.host, ...flags, reference);
    expect(outcome.stderr).not.toContain("error[");
    return outcome.stdout.replaceAll(`${this.#repository}:`, "").trimEnd().split("\n");
  }

  forgetOrigin(): void {
    gitRepository(this.#clone).git("remote", "set-url", "origin", "file:///nowhere");
  }
}

async function tagsOf(repository: string): Promise<Record<string, string>> {
  const list = await fetch(`${registry.url}/v2/${repository}/tags/list`);
  if (list.status === 404) return {};
  const { tags } = (await list.json()) as { readonly tags: readonly string[] | null };
  const accept = "application/vnd.oci.image.manifest.v1+json";
  const entries = (tags ?? []).map(async (tag) => {
    const { headers } = await fetch(`${registry.url}/v2/${repository}/manifests/${tag}`, { headers: { accept } });
    return [tag, headers.get("docker-content-digest") ?? ""] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

const digestOf = (reference: string): string => reference.replace(/^.*@/, "");
const short = (commit: string): string => `sha-${commit.slice(0, 12)}`;

describe("promote, of a branch", () => {
  it("moves tags to where history goes, whatever run ends last", async () => {
    const main = { branch: "main" };
    const jobs = {
      first: new Job("shop/branch", commits.first, main),
      second: new Job("shop/branch", commits.second, main),
      third: new Job("shop/branch", commits.third, main),
    };
    const first = await jobs.first.build();
    const second = await jobs.second.build();
    const third = await jobs.third.build();
    expect(first).toMatch(/^[^@]+\/shop\/branch@sha256:[0-9a-f]{64}$/);
    expect(await tagsOf("shop/branch")).toEqual({});

    expect(await jobs.first.promote(first)).toEqual([`new    ${short(commits.first)}`, "new    main", "new    edge"]);
    const moved = `, from ${digestOf(first)}`;
    expect(await jobs.third.promote(third)).toEqual([
      `new    ${short(commits.third)}`,
      `moved  main${moved}`,
      `moved  edge${moved}`,
    ]);
    const left = `it carries commit ${commits.third.slice(0, 12)}, which ${commits.second.slice(0, 12)} does not follow; --force moves it all the same`;
    expect(await jobs.second.promote(second)).toEqual([
      `new    ${short(commits.second)}`,
      `left   main: ${left}`,
      `left   edge: ${left}`,
    ]);
    expect(await jobs.third.promote(third)).toEqual([`same   ${short(commits.third)}`, "same   main", "same   edge"]);
    expect(await tagsOf("shop/branch")).toEqual({
      [short(commits.first)]: digestOf(first),
      [short(commits.second)]: digestOf(second),
      [short(commits.third)]: digestOf(third),
      main: digestOf(third),
      edge: digestOf(third),
    });
  });

  it("fetches the history that a clone lacks, and moves nothing where it cannot", async () => {
    const main = { branch: "main" };
    const old = new Job("shop/shallow", commits.first, main);
    await old.promote(await old.build());
    const cut = new Job("shop/shallow", commits.third, main, 1);
    const alone = new Job("shop/shallow", commits.third, main, 1);
    alone.forgetOrigin();
    const reference = await cut.build();
    expect((await alone.promote(reference)).slice(1)).toEqual(
      ["main", "edge"].map(
        (tag) =>
          `left   ${tag}: it carries commit ${commits.first.slice(0, 12)}, and this clone cannot tell whether ${commits.third.slice(0, 12)} follows it`,
      ),
    );
    expect((await cut.promote(reference)).slice(1).map((line) => line.split(",")[0])).toEqual([
      "moved  main",
      "moved  edge",
    ]);
  });

  it("goes to another history when told so, and says what it would do when asked", async () => {
    const job = new Job("shop/forced", commits.third, { branch: "main" });
    await job.promote(await job.build());
    const side = new Job("shop/forced", commits.side, { branch: "main" });
    const reference = await side.build();
    const before = await tagsOf("shop/forced");
    expect((await side.promote(reference)).slice(1).every((line) => line.startsWith("left "))).toBe(true);
    const dry = await side.promote(reference, "--force", "--dry-run");
    expect(await tagsOf("shop/forced")).toMatchObject(before);
    expect(dry.slice(1)).toEqual(["main", "edge"].map((tag) => `moved  ${tag}, from ${before[tag]}`));
    expect((await side.promote(reference, "--force")).slice(1)).toEqual(dry.slice(1));
    expect(await tagsOf("shop/forced")).toMatchObject({ main: digestOf(reference), edge: digestOf(reference) });
  });

  it("keeps a commit's first image under its name, and moves the branch to the next", async () => {
    const job = new Job("shop/again", commits.third, { branch: "main" });
    const [first, next] = [await job.build(), await job.build("--file", "Other")];
    await job.promote(first);
    const lines = await job.promote(next);
    expect(lines[0]).toBe(
      `left   ${short(commits.third)}: it names this commit's first verified image, and keeps to it`,
    );
    expect(await tagsOf("shop/again")).toMatchObject({ [short(commits.third)]: digestOf(first), main: digestOf(next) });
  });

  it("gives nothing to another commit's image", async () => {
    const reference = await new Job("shop/other", commits.second, { branch: "main" }).build();
    const job = new Job("shop/other", commits.third, { branch: "main" });
    const refused = await job.kubefile("promote", "--insecure", registry.host, reference);
    expect(refused).toMatchObject({ exitCode: 2, stdout: "" });
    expect(refused.stderr).toContain(`was built from commit ${commits.second}, not ${commits.third}`);
    expect(await tagsOf("shop/other")).toEqual({});
  });
});

describe("promote, of a release", () => {
  it("gives a version its name for good, and its series to the newest", async () => {
    const newer = new Job("shop/release", commits.third, { tag: "v1.2.0" });
    const reference = await newer.build();
    expect(await newer.promote(reference, "--accept", "static")).toEqual(
      ["1.2.0", "1.2", "1", "latest"].map((tag) => `new    ${tag}`),
    );
    const older = new Job("shop/release", commits.second, { tag: "v1.1.5" });
    const fix = await older.build();
    expect(await older.promote(fix, "--accept", "static")).toEqual(["new    1.1.5", "new    1.1"]);
    expect(await tagsOf("shop/release")).toMatchObject({ "1": digestOf(reference), latest: digestOf(reference) });

    const other = await newer.build("--file", "Other");
    const refused = await newer.kubefile("promote", "--insecure", registry.host, "--accept", "static", other);
    expect(refused.stderr).toContain(`1.2.0 names ${digestOf(reference)} already\n`);
    expect(refused.exitCode).toBe(2);
    expect(await tagsOf("shop/release")).toMatchObject({ "1.2.0": digestOf(reference), latest: digestOf(reference) });
  });

  it.each([
    ["v1.2.0", 1, "error[VERIFY_FAILED]", "has the grade static, and a release must be ready"],
    ["nightly", 2, "error[USAGE]", 'the Git tag "nightly" is no semantic version'],
  ])("of %s is refused", async (tag, exitCode, code, said) => {
    const job = new Job("shop/refused", commits.third, { tag });
    const refused = await job.kubefile("promote", "--insecure", registry.host, await job.build());
    expect(refused).toMatchObject({ exitCode, stdout: "" });
    expect(refused.stderr).toContain(code);
    expect(refused.stderr).toContain(said);
    expect(await tagsOf("shop/refused")).toEqual({});
  });
});

it("promote, of a merge request, moves its own tag alone", async () => {
  const job = new Job("shop/change", commits.side, { mergeRequest: "7" });
  expect(await job.promote(await job.build())).toEqual(["new    mr-7"]);
  const next = new Job("shop/change", commits.third, { mergeRequest: "7" });
  expect((await next.promote(await next.build())).map((line) => line.split(",")[0])).toEqual(["moved  mr-7"]);
});

it("an image that is not there is promoted by nobody", async () => {
  const job = new Job("shop/absent", commits.third, { branch: "main" });
  const reference = `${registry.host}/shop/absent@sha256:${"0".repeat(64)}`;
  const refused = await job.kubefile("promote", "--insecure", registry.host, reference);
  expect(refused.stderr).toContain("error[REGISTRY]");
  expect(refused.exitCode).toBe(1);
});
