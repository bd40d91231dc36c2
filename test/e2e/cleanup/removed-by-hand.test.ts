import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { removeRun } from "../../../src/cluster/run-removal.ts";
import { docker, lines } from "../../support/docker.ts";
import { processesOf } from "../../support/home-processes.ts";
import { type CommandHome, commandHome } from "../../support/kubefile-command.ts";
import { testEngine } from "../cluster/machine.ts";
import { startTinyApp, type TinyApp } from "./tiny-app.ts";
import { findRemains, takeTraces } from "./traces.ts";

const cluster = `by-hand-${process.pid}`;

let home: CommandHome;
let app: TinyApp;

beforeAll(async () => {
  home = await commandHome();
  app = await startTinyApp(home.directory);
});

afterAll(async () => {
  await removeRun(cluster, { engine: await testEngine(), stateDirectory: join(home.state, "runs") });
  await app?.stop();
  await home?.remove();
});

test("a cluster that somebody removes by hand takes the rest with it", async () => {
  const built = ["--capture", "static", "--store", home.store, "--tag", app.reference, "--push"];
  expect(await home.kubefile(["build", ...app.mirror, ...built, app.context])).toMatchObject({ exitCode: 0 });
  const settings = ["--store", home.store, "--quiet-window", "2s", "--name", cluster];
  expect(await home.kubefile(["run", ...settings, app.reference])).toMatchObject({ exitCode: 0 });
  const traces = await takeTraces(home);
  expect(traces).toHaveLength(1);
  await docker("rm", "--force", "--volumes", `kubefile-${cluster}-control-plane`);
  const runs = join(home.state, "runs");
  const patience = { timeout: 60_000, interval: 1_000 };
  await expect.poll(() => readdir(runs), patience).toEqual([]);
  await expect.poll(() => processesOf(home), patience).toEqual([]);
  expect(await findRemains(home, traces)).toEqual([]);
  expect(lines(await docker("network", "ls", "--format", "{{.Name}}"))).not.toContain(`kubefile-${cluster}`);
});
