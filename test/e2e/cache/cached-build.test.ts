import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { BuildReport } from "../../../src/image/report.ts";
import { type CommandHome, commandHome } from "../../support/kubefile-command.ts";
import { startTinyApp, type TinyApp } from "../cleanup/tiny-app.ts";

let home: CommandHome;
let app: TinyApp;
beforeAll(async () => {
  home = await commandHome();
  app = await startTinyApp(home.directory);
});
afterAll(async () => {
  await app?.stop();
  await home?.remove();
});

async function build(env: Readonly<Record<string, string>> = {}): Promise<BuildReport> {
  const report = join(home.directory, "report.json");
  const flags = ["--store", home.store, "--quiet-window", "2s", "--report", report, "--tag", app.reference, "--push"];
  const result = await home.kubefile(["build", ...app.mirror, ...flags, app.context], { env });
  expect(result.exitCode, result.stderr).toBe(0);
  return JSON.parse(await readFile(report, "utf8"));
}

test("an unchanged build starts no cluster and sends no blob", async () => {
  const cold = await build();
  expect(cold).toMatchObject({ grade: "ready", rehearsal: { state: "rehearsed" } });
  const again = await build();
  expect([...again.steps, again.rehearsal].map((one) => one?.state)).toEqual(["cached", "cached", "cached"]);
  expect(again.phases.map(({ name }) => name)).toEqual(["cache", "assemble", "push"]);
  expect(again.digest).toBe(cold.digest);
  expect(again).toMatchObject({ grade: "ready", images: cold.images, nodeImage: cold.nodeImage });
  expect(again.transfer?.uploaded).toEqual({ blobs: 0, bytes: 0 });
});
