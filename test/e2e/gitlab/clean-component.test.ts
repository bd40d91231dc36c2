import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startCommand } from "../../support/running-command.ts";
import { type ShellProject, shellProject } from "./shell-project.ts";

let project: ShellProject;
beforeAll(async () => {
  project = await shellProject([]);
});
afterAll(async () => {
  await project?.stop();
});

test("clean.yml removes what a job left that was killed", async () => {
  const killed = startCommand(project.home, ["build", "--no-cache", project.directory]);
  await killed.seen((event) => event.type === "phase-start" && event.phase === "kind cluster");
  await sleep(2_000);
  const [run = ""] = await project.runs();
  killed.child.kill("SIGKILL");
  await killed.ended;
  const cleaned = await project.run("clean", { variables: { CI_PIPELINE_SOURCE: "schedule" } });
  expect(cleaned.exitCode, cleaned.log).toBe(0);
  expect(cleaned.logOf("kubefile-clean-runner")).toContain(`removed run ${run}`);
  expect(await project.left()).toEqual([]);
});
