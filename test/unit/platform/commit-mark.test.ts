import { afterEach, expect, onTestFinished, test } from "vitest";
import { markCommit } from "../../../src/platform/commit-mark.ts";
import { detectPlatform } from "../../../src/platform/detect.ts";
import { type FakeGitLab, startFakeGitLab } from "../../support/fake-gitlab.ts";
import { startFakeGitHub } from "../../support/github-comments.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";
import { commandContext } from "../cli/command.ts";

const temporaryDirectory = temporaryDirectories();
const operation = "POST /projects/:id/statuses/:sha";
let gitlab: FakeGitLab | undefined;
afterEach(async () => {
  await gitlab?.close();
});

/** Marks a commit from a job with a token of some scope; returns the job's log. */
async function mark(scopes: readonly ("api" | "read_api")[], description: string): Promise<string> {
  const user = { id: 7, username: "robot" };
  gitlab = await startFakeGitLab({
    ...{ project: "41", declared: [operation] },
    tokens: { "glpat-robot": { kind: "access", user, scopes } },
  });
  const cwd = await temporaryDirectory();
  const env = {
    ...{ GITLAB_CI: "true", CI_API_V4_URL: gitlab.api, CI_PROJECT_ID: "41", CI_COMMIT_SHA: "c0de" },
    ...{ KUBEFILE_GITLAB_TOKEN: "glpat-robot", CI_JOB_URL: "https://gitlab.test/shop/-/jobs/5" },
  };
  let text = "";
  const log = {
    write: (part: string) => {
      text += part;
    },
  };
  const { signal } = new AbortController();
  const platform = detectPlatform({ env, cwd, log, signal });
  const context = commandContext({ cwd, env, platform });
  await markCommit(context, { what: "verify", passed: false, description });
  return text + context.written().stderr;
}

test("a verdict stands on the commit, with the way to its job", async () => {
  await mark(["api"], "failed: no pod");
  expect([...(gitlab?.statuses ?? [])]).toEqual([
    [
      "kubefile/verify",
      {
        state: "failed",
        fields: {
          ...{ name: "kubefile/verify", state: "failed", description: "failed: no pod" },
          target_url: "https://gitlab.test/shop/-/jobs/5",
        },
      },
    ],
  ]);
});

test("where a token may not mark commits, the verdict is not lost over it", async () => {
  await expect(mark(["read_api"], "failed: no pod")).resolves.toBeDefined();
  expect(gitlab?.statuses.size).toBe(0);
});

test("on GitHub it leads to the page of the run", async () => {
  const github = await startFakeGitHub();
  github.permissions = { statuses: "write" };
  onTestFinished(() => github.stop());
  const cwd = await temporaryDirectory();
  const env = {
    ...{ GITHUB_ACTIONS: "true", GITHUB_REPOSITORY: "shop/app", GITHUB_SERVER_URL: "https://github.com" },
    ...{ GITHUB_REF: "refs/heads/main", GITHUB_SHA: "ab".repeat(20), GITHUB_RUN_ID: "41" },
    ...{ GITHUB_API_URL: github.url, GITHUB_TOKEN: "ghs_token" },
  };
  const log = { write: () => undefined };
  const platform = detectPlatform({ env, cwd, log, signal: new AbortController().signal });
  await markCommit(commandContext({ cwd, env, platform }), { what: "verify", passed: true, description: "it starts" });
  expect(github.statuses).toEqual([
    {
      ...{ context: "kubefile/verify", state: "success", description: "it starts" },
      target_url: "https://github.com/shop/app/actions/runs/41",
    },
  ]);
});
