import { execFile } from "node:child_process";
import { appendFile, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "../../..");
const version = "7.8.9";
let directory: string;
let made: string;
let repository: string;

const git = async (...args: readonly string[]): Promise<string> =>
  (await run("git", ["-C", repository, ...args], { maxBuffer: 64 * 1024 * 1024 })).stdout.trim();

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "kubefile-publish-"));
  made = join(directory, "release");
  repository = join(made, "repository");
  await run(join(root, "scripts/release"), [version, made], {
    env: { ...process.env, JOB_IMAGE: "ghcr.io/kubefile-ci/job@sha256:abc" },
  });
}, 600_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

describe("a release", () => {
  test("has the bundles that a fresh build of its sources gives", async () => {
    expect(await git("ls-files", "dist")).toContain("dist/build.js\n");
    const { stdout } = await run(join(repository, "scripts/compare-dist"));
    expect(stdout).toMatch(/\d+ files are what the sources give/);
    expect(await git("status", "--porcelain")).toBe("");
  });

  test("is told from one whose bundles somebody has changed", async () => {
    for (const name of ["dist/build.js", "dist/more.js"]) {
      await appendFile(join(repository, name), "// more\n");
      await git("add", "--all");
      await git("commit", "--quiet", "--message", "Change a bundle");
      const { stderr, code } = await run(join(repository, "scripts/compare-dist")).catch((error) => error);
      await git("reset", "--quiet", "--hard", `v${version}`);
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(` ${name}`) });
    }
    await expect(run(join(root, "scripts/compare-dist"))).rejects.toMatchObject({ code: 2 });
  });

  test("names its own actions by the commit before, which nothing but that sets apart", async () => {
    const before = await git("rev-parse", "HEAD~1");
    expect((await git("diff", "--name-only", "HEAD~1")).split("\n").map((file) => file.replace(/[^/]*$/, ""))).toEqual(
      expect.arrayContaining([".github/workflows/"]),
    );
    const named = (await git("grep", "-ohE", "kubefile-ci/kubefile-ci[a-z/-]*@\\w+", "--", ".github/workflows")).split(
      "\n",
    );
    expect(new Set(named.map((action) => action.replace(/.*@/, "")))).toEqual(new Set([before]));
    const changed = await git("diff", "--unified=0", "HEAD~1");
    const lines = changed.split("\n").filter((line) => /^[+-](?![+-])/.test(line));
    expect(lines.filter((line) => !/^[+-] +(?:- )?uses: kubefile-ci\/kubefile-ci/.test(line))).toEqual([]);
  });

  test("has its version everywhere", async () => {
    const { version: written }: { version: string } = JSON.parse(await git("show", "HEAD:package.json"));
    expect(written).toBe(version);
    expect(await git("show", "HEAD:gitlab-templates/build.yml")).toContain(`ghcr.io/kubefile-ci/job:${version}`);
    const guide = await git("show", "HEAD:docs/gitlab.md");
    expect(guide).toContain(`/kubefile-ci/kubefile-ci/v${version}/gitlab-templates/build.yml`);
    expect(guide).toContain(`gitlab.com/kubefile-ci/kubefile-ci/build@${version}\n`);
    expect(await git("show", "HEAD:src/pipeline/options.ts")).toContain(`ghcr.io/kubefile-ci/tools:${version}`);
    const names = await readdir(made);
    expect(names.sort()).toEqual(["catalogue", `kubefile-ci-${version}.tgz`, "repository"]);
    const { stdout } = await run("tar", ["-tzf", join(made, `kubefile-ci-${version}.tgz`)]);
    expect(stdout).toContain("package/bin/kubefile");
  });

  test("has components whose jobs run in an image pinned by digest", async () => {
    const catalogue = join(made, "catalogue");
    expect(await readdir(join(catalogue, "templates"))).toEqual(await readdir(join(root, "gitlab-templates")));
    const text = await readFile(join(catalogue, "templates/build.yml"), "utf8");
    expect(text).toContain("default: ghcr.io/kubefile-ci/job@sha256:abc");
    expect(text).not.toContain("kubefile-ci/job:");
    // As README.md and docs/gitlab.md include them.
    expect(await readFile(join(catalogue, "gitlab-templates/build.yml"), "utf8")).toBe(text);
  });

  test("is pushed as a tag that stays and tags that move", async () => {
    const remotes = ["github", "gitlab"].map((name) => join(directory, `${name}.git`));
    const [github = "", gitlab = ""] = remotes;
    for (const remote of remotes) await run("git", ["init", "--quiet", "--bare", remote]);
    const push = () =>
      run(join(root, "scripts/push-release"), [made, version], {
        env: { ...process.env, GITHUB_REMOTE: github, GITLAB_REMOTE: gitlab },
      });
    await push();
    const tagsOf = async (remote: string): Promise<readonly string[]> =>
      (await run("git", ["-C", remote, "tag"])).stdout.trim().split("\n");
    expect(await tagsOf(github)).toEqual(["v7", "v7.8", "v7.8.9"]);
    expect(await tagsOf(gitlab)).toEqual([version, `v${version}`]);

    await git("commit", "--quiet", "--allow-empty", "--message", "Another");
    await git("tag", "--force", "v7");
    await git("tag", "--force", "--annotate", "--message", "again", "v7.8.9");
    await expect(push()).rejects.toThrow(/rejected|already exists/);
    expect((await run("git", ["-C", github, "log", "--format=%s", "-1", "v7"])).stdout.trim()).not.toBe("Another");
  });
});

test.each(["1.2", "v1.2.3", "1.2.3; rm -rf /"])("%s is no version", async (text) => {
  await expect(run(join(root, "scripts/release"), [text, join(directory, "none")])).rejects.toMatchObject({ code: 2 });
});
