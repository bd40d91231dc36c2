import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { type ActionResult, type ActionRunner, actionRunner } from "../../support/action-run.ts";
import { type FakeGitHub, startFakeGitHub } from "../../support/github-comments.ts";
import { pullRequestJob } from "../../support/pull-request-job.ts";

let runner: ActionRunner;
let github: FakeGitHub;

beforeEach(async () => {
  runner = await actionRunner(inject("release"));
  github = await startFakeGitHub();
});
afterEach(async () => {
  await Promise.all([runner.remove(), github.stop()]);
});

/** Leaves a cluster image as an archive in the workspace. */
async function build(name: string, message: string): Promise<void> {
  await mkdir(join(runner.workspace, name));
  await writeFile(
    join(runner.workspace, name, "Kubefile"),
    "FROM scratch\nCOPY message etc/message\nCMD kubectl version\n",
  );
  await writeFile(join(runner.workspace, name, "message"), message);
  const inputs = { context: name, capture: "static", outputs: `type=oci,dest=${name}.tar` };
  expect((await runner.run("build", { inputs })).exitCode).toBe(0);
}

async function compare(inputs: Readonly<Record<string, string>>): Promise<ActionResult> {
  const all = { from: "old.tar", to: "new.tar", "github-token": "ghs_token", ...inputs };
  return await runner.run("diff", { env: await pullRequestJob(runner, github), inputs: all });
}

test("what changed stands on the page, in files and outputs, and in a comment where one is asked for", async () => {
  await build("old", "a");
  await build("new", "b");
  const { exitCode, outputs, summary } = await compare({});
  expect({ exitCode, identical: outputs.identical }).toEqual({ exitCode: 0, identical: "false" });
  expect(Number(outputs["transfer-bytes"])).toBeGreaterThan(100);
  expect(JSON.parse(await readFile(outputs["json-file"] ?? "", "utf8"))).toMatchObject({
    rootfs: { files: { changed: [{ path: "etc/message" }] } },
  });
  expect(outputs.markdown).toContain("etc/message");
  expect(summary.trim()).toBe(outputs.markdown?.trim());
  expect(github.comments).toEqual([]);

  await compare({ comment: "true" });
  await compare({ comment: "true", to: "old.tar" });
  await compare({ comment: "true", key: "other" });
  expect(github.comments.map(({ body }) => body.split("\n")[0])).toEqual([
    ...["<!-- kubefile:diff -->", "<!-- kubefile:other -->"],
  ]);
  expect(github.comments[0]?.body).not.toContain("etc/message");
});

test.each([
  [{ from: "" }, /error\[REFERENCE_INVALID\]/],
  [{ from: "nowhere.tar" }, /nowhere\.tar/],
  [{ limit: "ten" }, /--limit "ten" is not a number of bytes/],
])("what cannot be compared is told: %j", async (inputs, message) => {
  const { exitCode, log } = await compare(inputs);
  expect(exitCode).toBeGreaterThan(0);
  expect(log.join("\n")).toMatch(message);
});
