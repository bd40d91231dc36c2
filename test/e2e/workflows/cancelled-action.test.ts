import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { node24 } from "../../support/action-run.ts";
import { type CommandHome, commandHome } from "../../support/kubefile-command.ts";
import { startTinyApp, type TinyApp } from "../cleanup/tiny-app.ts";
import { findRemains, takeTraces } from "../cleanup/traces.ts";

let home: CommandHome;
let app: TinyApp;
let runner: string;

beforeAll(async () => {
  home = await commandHome();
  app = await startTinyApp(home.directory);
  runner = join(home.directory, "runner");
  await mkdir(runner);
});
afterAll(async () => {
  await app?.stop();
  await home?.remove();
});

/** One step of a job: a bundle on Node 24 with the environment that a runner gives it. */
async function startStep(name: string, env: Readonly<Record<string, string>>) {
  const child = spawn(await node24(), [join(inject("release"), "dist", `${name}.js`)], {
    env: {
      ...home.environment,
      ...{ CI: "true", GITHUB_ACTIONS: "true", GITHUB_WORKSPACE: app.context, RUNNER_TEMP: runner },
      ...{ GITHUB_STATE: join(runner, "state"), GITHUB_OUTPUT: join(runner, "output") },
      ...env,
    },
    cwd: app.context,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      log += chunk;
    });
  }
  return { child, log: () => log, ended: once(child, "close") };
}

async function run(name: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const step = await startStep(name, env);
  const [exitCode] = await step.ended;
  expect(exitCode, step.log()).toBe(0);
  return step.log();
}

/** GitHub's runner: an interrupt, a request to end 7.5 s later, and after 2.5 s more the end. */
const patient = [
  ["SIGINT", 7_500],
  ["SIGTERM", 2_500],
  ["SIGKILL", 0],
] as const;
const killed = [["SIGKILL", 0]] as const;

// Drawn once: a failure can be met again.
test.each([
  ["cancelled by its runner while the cluster boots", "kind cluster", 2_731, patient],
  ["killed while the cluster boots", "kind cluster", 5_417, killed],
])("a build %s leaves nothing once its job has ended", async (_, phase, delay, signals) => {
  await writeFile(join(runner, "state"), "");
  const step = await startStep("build", {
    ...{ INPUT_CONTEXT: ".", INPUT_MIRRORS: `docker.io=${app.registry.url}`, "INPUT_NO-CACHE": "true" },
    ...{ INPUT_STORE: home.store, "INPUT_QUIET-WINDOW": "2s", "INPUT_FAILURE-BUNDLE": "false" },
  });
  while (!step.log().includes(phase) && step.child.exitCode === null) await sleep(100);
  await sleep(delay);
  const traces = await takeTraces(home);
  expect(traces).toHaveLength(1);
  for (const [signal, pause] of signals) {
    step.child.kill(signal);
    await Promise.race([step.ended, sleep(pause)]);
    if (step.child.exitCode !== null || step.child.signalCode !== null) break;
  }
  await step.ended;
  const [, state = ""] = /^run<<(\S+)\n(\w+)\n\1$/m.exec(await readFile(join(runner, "state"), "utf8"))?.slice(1) ?? [];
  expect(state).toBe(traces[0]?.runId);
  expect(await run("teardown", { STATE_run: state })).toContain(`nothing of run ${state} is left`);
  expect(await findRemains(home, traces)).toEqual([]);
  expect(await run("clean")).not.toContain(state);
});
