import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import type { ProgressEvent } from "../../../src/pipeline/progress.ts";
import { startCountingProxy } from "../../support/counting-proxy.ts";
import { type CommandHome, commandHome, userKubeconfig } from "../../support/kubefile-command.ts";
import { type RunningCommand, startCommand } from "../../support/running-command.ts";
import { startBystander } from "../shop/bystander.ts";
import { startTinyApp } from "./tiny-app.ts";
import { type Traces, takeTraces } from "./traces.ts";

const begins = (phase: string) => (event: ProgressEvent) => event.type === "phase-start" && event.phase === phase;
const logs = (text: string) => (event: ProgressEvent) => event.type === "phase-log" && event.line.includes(text);
const says = (phase: string, text: RegExp) => (event: ProgressEvent) =>
  event.type === "phase-update" && event.phase === phase && text.test(event.text);

type Moment = readonly [name: string, at: (event: ProgressEvent) => boolean, spread: number];

/** Points in a build, each with the milliseconds after it among which one is drawn. */
export const moments = {
  start: ["at the start of the boot", begins("kind cluster"), 1_500],
  boot: ["while the node boots", says("kind cluster", /preparing nodes/i), 6_000],
  control: ["while the control plane starts", says("kind cluster", /control-plane/i), 3_000],
  step: ["in the middle of RUN", logs("begun"), 2_500],
  proxy: ["while the proxy is proven", begins("proxy"), 1_000],
  launch: ["in the middle of the launch", logs("$ kubectl"), 2_500],
  settle: ["while the cluster settles", says("launch", /pods? ready/), 1_500],
  push: ["in the middle of the push", begins("push"), 2_000],
} satisfies Record<string, Moment>;

export interface DrawnMoment {
  readonly at: (event: ProgressEvent) => boolean;
  /** Milliseconds after it. */
  readonly delay: number;
}

/** Draws the same delays each time, so that a failure can be met again; with a name for each. */
export function drawMoments(seed: number, ...chosen: readonly Moment[]): readonly (readonly [string, DrawnMoment])[] {
  const random = randomNumbers(seed);
  return chosen.map(([name, at, spread]) => {
    const delay = Math.round(random() * spread);
    return [`${name}, ${delay} ms later`, { at, delay }];
  });
}

function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A user's account with an application to build, and somebody else's cluster beside it. */
interface BuildMachine {
  readonly home: CommandHome;
  /** Starts a build and notes what it has made at the moment. */
  buildUntil(drawn: DrawnMoment): Promise<{ readonly build: RunningCommand; readonly traces: readonly Traces[] }>;
  /** Fails when anybody else's cluster or file was touched. */
  expectOthersUntouched(): Promise<void>;
  remove(): Promise<void>;
}

/** Has a machine for the tests of a file; after each of them nobody else's things may have been touched. */
export function buildMachine(): () => BuildMachine {
  let machine: BuildMachine;
  beforeAll(async () => {
    machine = await startBuildMachine();
  });
  afterAll(async () => {
    await machine?.remove();
  });
  afterEach(async () => {
    await machine.expectOthersUntouched();
  });
  return () => machine;
}

async function startBuildMachine(): Promise<BuildMachine> {
  const [home, bystander] = await Promise.all([commandHome(), startBystander()]);
  const app = await startTinyApp(home.directory);
  // Before the registry that the result is pushed to: long enough on the way to be met there.
  const slow = await startCountingProxy(app.registry.host, async (method) => {
    if (method === "POST") await sleep(3_000);
    return undefined;
  });
  const result = ["--tag", `${slow.host}/demo/tiny:1`, "--push"];
  const flags = [...app.mirror, "--no-cache", "--store", home.store, "--quiet-window", "2s", ...result];
  return {
    home,
    async buildUntil({ at, delay }) {
      const build = startCommand(home, ["build", ...flags, app.context]);
      await build.seen(at);
      await sleep(delay);
      const traces = await takeTraces(home);
      expect(traces).toHaveLength(1);
      return { build, traces };
    },
    async expectOthersUntouched() {
      expect(await bystander.state()).toBe(bystander.before);
      for (const file of home.kubeconfigs) expect(await readFile(file, "utf8")).toBe(userKubeconfig);
    },
    async remove() {
      await Promise.all([slow.stop(), app.stop(), bystander.remove()]);
      await home.remove();
    },
  };
}
