import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { readPreviewVerdict } from "../../../src/pipeline/read-preview-verdict.ts";
import { type ActionRunner, actionRunner } from "../../support/action-run.ts";
import { type FakeGitHub, startFakeGitHub } from "../../support/github-comments.ts";
import { headCommit, pullRequestJob } from "../../support/pull-request-job.ts";

let runner: ActionRunner;
let github: FakeGitHub;
let job: Record<string, string>;

beforeEach(async () => {
  runner = await actionRunner(inject("release"));
  github = await startFakeGitHub();
  job = { ...(await pullRequestJob(runner, github)), DOCKER_HOST: "unix:///nowhere/docker.sock" };
});
afterEach(async () => {
  await Promise.all([runner.remove(), github.stop()]);
});

const token = { "github-token": "ghs_token" };

test("one comment tells of every push, and the files hold the same", async () => {
  await writeFile(join(runner.workspace, "Kubefile"), "FROM scratch\nCOPPY a b\nCMD kubectl version\n");
  const broken = await runner.run("preview", { env: job, inputs: token });
  expect({ exitCode: broken.exitCode, verdict: broken.outputs.verdict }).toEqual({ exitCode: 2, verdict: "failed" });
  expect(broken.log).toContainEqual(expect.stringMatching(/^::error file=Kubefile,line=2,col=1/));
  const verdict = readPreviewVerdict(await readFile(broken.outputs["verdict-file"] ?? "", "utf8"), "verdict");
  expect(verdict).toMatchObject({ verdict: "failed", failure: { part: "build", code: "KUBEFILE_INVALID" } });
  const comment = await readFile(broken.outputs["comment-file"] ?? "", "utf8");
  expect(broken.summary.trim()).toBe(comment.trim());
  expect(github.comments.map(({ body }) => body)).toEqual([expect.stringContaining(headCommit.slice(0, 12))]);
  expect(broken.outputs["comment-url"]).toBe("https://github.example/12#1000");

  await writeFile(join(runner.workspace, "Kubefile"), "FROM scratch\nCMD kubectl version\n");
  const noEngine = await runner.run("preview", { env: job, inputs: token });
  expect({ exitCode: noEngine.exitCode, verdict: noEngine.outputs.verdict }).toEqual({
    exitCode: 3,
    verdict: "invalid",
  });
  expect(github.comments.map(({ id, body }) => ({ id, body }))).toEqual([
    { id: 1_000, body: expect.stringContaining("ENGINE_MISSING") },
  ]);
  const post = await runner.run("teardown", { env: { ...job, STATE_run: noEngine.state.run ?? "" } });
  expect(post).toMatchObject({ exitCode: 0, log: [expect.anything(), expect.stringMatching(/^nothing of run/)] });
});

test("a token that may not write leaves the comment out, and the verdict stands", async () => {
  github.permissions = { "pull-requests": "read" };
  await writeFile(join(runner.workspace, "Kubefile"), "FROM scratch\nCMD kubectl version\n");
  const { log, outputs } = await runner.run("preview", { env: job, inputs: token });
  expect({ verdict: outputs.verdict, comments: github.comments }).toEqual({ verdict: "invalid", comments: [] });
  expect(log).toContainEqual(expect.stringMatching(/^::notice::no comment was written: .*pull-requests: write/));
});
