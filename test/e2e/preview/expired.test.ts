import { afterAll, beforeAll, expect, test } from "vitest";
import { previewRunId } from "../../../src/platform/lasting-inputs.ts";
import { type CommandHome, type CommandResult, commandHome } from "../../support/kubefile-command.ts";
import { labelPreview, networksOf } from "./labelled-preview.ts";

// Others may be testing on the same engine.
const project = { CI_PROJECT_PATH: `group/expired-${process.pid}` };
const runId = previewRunId("pr-12", project);

let home: CommandHome;
beforeAll(async () => {
  home = await commandHome();
});
afterAll(async () => {
  await clean("--pull-request", "12");
  await home?.remove();
});

function clean(...flags: readonly string[]): Promise<CommandResult> {
  return home.kubefile(["clean", ...flags], { env: project });
}

test("a preview of which only labels are known stays until its time has come, and is then anybody's to remove", async () => {
  await labelPreview(runId, "2999-01-01T00:00:00Z");
  expect((await clean()).stdout).toContain("left preview pr-12 until 2999-01-01T00:00:00Z\n");
  expect(await networksOf(runId)).toHaveLength(1);
  expect((await clean("--pull-request", "12")).stdout).toBe("removed preview pr-12\n");
  expect(await networksOf(runId)).toEqual([]);
  await labelPreview(runId, "2020-01-01T00:00:00Z");
  expect((await clean()).stdout).toContain(`removed run ${runId}\n`);
  expect(await networksOf(runId)).toEqual([]);
});
