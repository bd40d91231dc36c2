import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, inject, onTestFinished, test } from "vitest";
import { actionRunner } from "../../support/action-run.ts";

test("lint marks findings, counts them, and fails on errors alone", async () => {
  const runner = await actionRunner(inject("release"));
  onTestFinished(() => runner.remove());
  await writeFile(join(runner.workspace, "Kubefile"), "FROM scratch\nENV my.var=1\nCMD kubectl version\n");
  const warned = await runner.run("lint");
  expect(warned).toMatchObject({ exitCode: 0, outputs: { errors: "0", warnings: "1" } });
  expect(warned.log).toContainEqual(
    expect.stringMatching(/^::warning file=Kubefile,line=2,col=\d+,title=invalid-name::/),
  );
  await writeFile(join(runner.workspace, "other"), "FROM scratch\n##[add-mask]x\nCOPPY ##[add-mask]x\n");
  const failed = await runner.run("lint", { inputs: { paths: "Kubefile\nother" } });
  expect(failed).toMatchObject({ exitCode: 2, outputs: { errors: expect.stringMatching(/^[12]$/) } });
  expect(failed.log.filter((line) => line.includes("##[") && !line.startsWith("::"))).toEqual([]);
});
