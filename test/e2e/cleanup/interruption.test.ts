import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { ProgressEvent } from "../../../src/pipeline/progress.ts";
import { type CountingProxy, startCountingProxy } from "../../support/counting-proxy.ts";
import { type CommandHome, commandHome, userKubeconfig } from "../../support/kubefile-command.ts";
import { type RunningCommand, startCommand } from "../../support/running-command.ts";
import { type Bystander, startBystander } from "../shop/bystander.ts";
import { startTinyApp, type TinyApp } from "./tiny-app.ts";
import { findRemains, takeTraces } from "./traces.ts";

let home: CommandHome;
let app: TinyApp;
let bystander: Bystander;
/** Before the registry that the result is pushed to: long enough on the way to be met there. */
let slow: CountingProxy;

beforeAll(async () => {
  [home, bystander] = await Promise.all([commandHome(), startBystander()]);
  app = await startTinyApp(home.directory);
  slow = await startCountingProxy(app.registry.host, async (method) => {
    if (method === "POST") await sleep(3_000);
    return undefined;
  });
});

afterAll(async () => {
  await Promise.all([slow?.stop(), app?.stop(), bystander?.remove()]);
  await home?.remove();
});

afterEach(async () => {
  expect(await bystander.state()).toBe(bystander.before);
  for (const file of home.kubeconfigs) expect(await readFile(file, "utf8")).toBe(userKubeconfig);
});

const begins = (phase: string) => (event: ProgressEvent) => event.type === "phase-start" && event.phase === phase;
const logs = (text: string) => (event: ProgressEvent) => event.type === "phase-log" && event.line.includes(text);
const says = (phase: string, text: RegExp) => (event: ProgressEvent) =>
  event.type === "phase-update" && event.phase === phase && text.test(event.text);

type Moment = readonly [name: string, at: (event: ProgressEvent) => boolean, spread: number];

/** Points in a build, each with the milliseconds after it among which one is drawn. */
const moments = {
  start: ["at the start of the boot", begins("kind cluster"), 1_500],
  boot: ["while the node boots", says("kind cluster", /preparing nodes/i), 6_000],
  control: ["while the control plane starts", says("kind cluster", /control-plane/i), 3_000],
  step: ["in the middle of RUN", logs("begun"), 2_500],
  proxy: ["while the proxy is proven", begins("proxy"), 1_000],
  launch: ["in the middle of the launch", logs("$ kubectl"), 2_500],
  settle: ["while the cluster settles", says("launch", /pods? ready/), 1_500],
  push: ["in the middle of the push", begins("push"), 2_000],
} satisfies Record<string, Moment>;

/** The same delays each time, so that a failure can be met again. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const random = randomNumbers(20_240_229);
const drawn = (moment: Moment) => ({ moment, delay: Math.round(random() * moment[2]) });

function startBuild(): RunningCommand {
  const flags = [
    "--no-cache",
    "--store",
    home.store,
    "--quiet-window",
    "2s",
    "--tag",
    `${slow.host}/demo/tiny:1`,
    "--push",
  ];
  return startCommand(home, ["build", ...app.mirror, ...flags, app.context]);
}

/** Starts a build and notes what it has made at the moment. */
async function buildUntil({ moment: [, at], delay }: ReturnType<typeof drawn>) {
  const build = startBuild();
  await build.seen(at);
  await sleep(delay);
  const traces = await takeTraces(home);
  expect(traces).toHaveLength(1);
  return { build, traces };
}

/** How GitHub's runner ends a job that was cancelled. */
async function endLikeRunner({ child, ended }: RunningCommand): Promise<number | NodeJS.Signals> {
  child.kill("SIGINT");
  const timers = [setTimeout(() => child.kill("SIGTERM"), 7_500), setTimeout(() => child.kill("SIGKILL"), 10_000)];
  const result = await ended;
  for (const timer of timers) clearTimeout(timer);
  return result;
}

const show = ({ moment: [name], delay }: ReturnType<typeof drawn>): string => `${name}, ${delay} ms later`;
const cases = (...chosen: readonly Moment[]) => chosen.map(drawn).map((one) => [show(one), one] as const);

describe("a build that its runner cancels leaves nothing", () => {
  test.each(cases(moments.start, moments.step, moments.launch, moments.push))("%s", async (_name, drawnMoment) => {
    const { build, traces } = await buildUntil(drawnMoment);
    expect(await endLikeRunner(build)).toBe(130);
    expect(build.output()).toBe("cancelled by SIGINT");
    expect(await findRemains(home, traces)).toEqual([]);
  });
});

describe("a build that is terminated leaves nothing, however often it is told", () => {
  test.each(cases(moments.boot, moments.proxy))("%s", async (_name, drawnMoment) => {
    const { build, traces } = await buildUntil(drawnMoment);
    build.child.kill("SIGTERM");
    await build.seen((event) => event.type === "note" && event.text.startsWith("stopping"));
    for (const signal of ["SIGINT", "SIGINT", "SIGHUP", "SIGTERM"] as const) build.child.kill(signal);
    expect(await build.ended).toBe(130);
    expect(build.output()).toBe("cancelled by SIGTERM");
    expect(await findRemains(home, traces)).toEqual([]);
  });
});

describe("what a killed build leaves, the next start removes", () => {
  const chosen = [moments.start, moments.control, moments.step, moments.settle];

  test.each(cases(...chosen))("%s", async (_name, drawnMoment) => {
    const { build, traces } = await buildUntil(drawnMoment);
    build.child.kill("SIGKILL");
    expect(await build.ended).toBe("SIGKILL");
    expect(await findRemains(home, traces)).not.toEqual([]);
    // At once: what the killed process had started may still be at work.
    const next = await home.kubefile(["verify", "--store", home.store, "127.0.0.1:1/none:1"]);
    expect(next.stderr).toContain(`removing what run ${traces[0]?.runId} left behind`);
    expect(next.exitCode).toBe(1);
    expect(await findRemains(home, traces)).toEqual([]);
  });

  test("and so does clean, which leaves a run alone that is still going on", async () => {
    const killed = await buildUntil(drawn(moments.boot));
    killed.build.child.kill("SIGKILL");
    await killed.build.ended;
    const cleaned = await home.kubefile(["clean"]);
    expect(cleaned).toMatchObject({ exitCode: 0 });
    expect(cleaned.stdout).toContain(`removed run ${killed.traces[0]?.runId}\n`);
    expect(await findRemains(home, killed.traces)).toEqual([]);

    const going = await buildUntil(drawn(moments.start));
    const spared = await home.kubefile(["clean", "--all"]);
    const { runId } = going.traces[0] ?? {};
    expect(spared.stdout).toMatch(new RegExp(`^left .* still going on: .*\\b${runId}\\b`, "m"));
    expect(spared.stdout).not.toContain(`removed run ${runId}`);
    going.build.child.kill("SIGTERM");
    expect(await going.build.ended).toBe(130);
    expect(await findRemains(home, going.traces)).toEqual([]);
  });
});
