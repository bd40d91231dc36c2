import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { writeStickyComment } from "../../../src/platform/github-writing.ts";
import { pageOfRun } from "../../../src/platform/preceding-run.ts";
import { type FakeGitHub, startFakeGitHub } from "../../support/github-comments.ts";
import { sampleVerdict } from "../../support/sample-verdict.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";
import { kubefile } from "../cli/command.ts";

const temporaryDirectory = temporaryDirectories();
const sha = "feedfacefeedfacefeedfacefeedfacefeedface";
const fork = "mallory/app";
let github: FakeGitHub;
let directory: string;
beforeEach(async () => {
  github = await startFakeGitHub();
  directory = await temporaryDirectory();
});
afterEach(() => github.stop());

/** A job after a fork's run, with the rights of the repository. */
async function jobAfter(run: object): Promise<Record<string, string>> {
  const event = join(directory, "event.json");
  const facts = {
    event: "pull_request",
    head_sha: sha,
    head_branch: "x&state=all",
    html_url: "https://github.example/1",
  };
  await writeFile(event, JSON.stringify({ workflow_run: { ...facts, head_repository: { full_name: fork }, ...run } }));
  return {
    ...{ GITHUB_ACTIONS: "true", GITHUB_API_URL: github.url, GITHUB_REPOSITORY: "shop/app", GITHUB_TOKEN: "ghs_token" },
    ...{ GITHUB_EVENT_NAME: "workflow_run", GITHUB_EVENT_PATH: event },
    // workflow_run stands on the default branch.
    ...{ GITHUB_REF: "refs/heads/main", GITHUB_SHA: "0123456789abcdef0123456789abcdef01234567" },
  };
}

const write = (env: Record<string, string>) =>
  writeStickyComment({ env, signal: new AbortController().signal }, "preview", "hello");

const open = (number: number, change: object = {}) =>
  void github.requests.push({ number, sha, repository: fork, branch: "x&state=all", ...change });

describe("the comment of a fork's request", () => {
  test("goes to the open request whose head GitHub says that the run had", async () => {
    open(7, { repository: "mallory/other" });
    open(12);
    expect(await write(await jobAfter({}))).toMatchObject({ state: "written" });
    expect(github.comments).toHaveLength(1);
  });

  test.each([
    ["of a commit that is not the head any more", () => open(12, { sha: "0".repeat(40) })],
    ["of another repository of the same name's owner", () => open(12, { repository: "mallory/other" })],
    ["without a request", () => undefined],
  ])("is not written for a run %s", async (_, arrange) => {
    arrange();
    expect(await write(await jobAfter({}))).toEqual({
      state: "skipped",
      reason: "no open pull request stands on the commit of that run",
    });
    expect(github.comments).toEqual([]);
  });

  test.each([{ event: "push" }, { head_sha: 7 }, { head_repository: null }])(
    "is not written for a run of something else: %j",
    async (run) => {
      open(12);
      expect(await write(await jobAfter(run))).toMatchObject({ state: "skipped" });
      expect(github.log).toEqual([]);
    },
  );

  test("links to the run that GitHub names", async () => {
    expect(await pageOfRun(await jobAfter({}))).toBe("https://github.example/1");
    expect(await pageOfRun(await jobAfter({ html_url: "javascript:alert(1)" }))).toBeUndefined();
    expect(await pageOfRun(await jobAfter({ html_url: "https://x.example/)[click](https://y" }))).toBeUndefined();
  });
});

describe("kubefile note --verdict", () => {
  const note = async (content: unknown) => {
    await writeFile(join(directory, "verdict.json"), typeof content === "string" ? content : JSON.stringify(content));
    return await kubefile(["note", "--verdict", "verdict.json", "--key", "preview"], { cwd: directory });
  };

  test("takes what a preview wrote", async () => {
    expect(await note(sampleVerdict)).toMatchObject({ exitCode: 0 });
  });

  test.each([
    ["is more than a verdict", { ...sampleVerdict, comment: "<img src=x>" }],
    ["is none", "# Preview passed"],
    ["claims a number for a text", { ...sampleVerdict, pods: [{ ...sampleVerdict.pods[0], name: 7 }] }],
  ])("refuses a file that %s", async (_, content) => {
    const { exitCode, stderr } = await note(content);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("verdict.json is no verdict of a preview");
  });

  test("wants one file, not two and not none", async () => {
    for (const flags of [[], ["--file", "a", "--verdict", "b"]]) {
      const { exitCode, stderr } = await kubefile(["note", "--key", "preview", ...flags], { cwd: directory });
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining("a note is one file")]);
    }
  });
});
