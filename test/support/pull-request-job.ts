import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ActionRunner } from "./action-run.ts";
import type { FakeGitHub } from "./github-comments.ts";

/** The commit that the job's pull request proposes. */
export const headCommit = "4f".repeat(20);

/** What a runner tells an action of a job for pull request 12 of `shop/app`, whose API is the fake's. */
export async function pullRequestJob(runner: ActionRunner, github: FakeGitHub): Promise<Record<string, string>> {
  const event = join(runner.directory, "event.json");
  const head = { sha: headCommit, repo: { full_name: "shop/app" } };
  await writeFile(event, JSON.stringify({ number: 12, pull_request: { number: 12, head } }));
  return {
    GITHUB_API_URL: github.url,
    GITHUB_EVENT_NAME: "pull_request",
    GITHUB_EVENT_PATH: event,
    GITHUB_REF: "refs/pull/12/merge",
    GITHUB_REPOSITORY: "shop/app",
    GITHUB_SHA: "0".repeat(40),
  };
}
