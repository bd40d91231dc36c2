import { describe, expect, test } from "vitest";
import type { RunningCommand } from "../../support/running-command.ts";
import { buildMachine, drawMoments, moments } from "./interrupted-build.ts";
import { findRemains } from "./traces.ts";

const machine = buildMachine();

/** How GitHub's runner ends a job that was cancelled. */
async function endLikeRunner({ child, ended }: RunningCommand): Promise<number | NodeJS.Signals> {
  child.kill("SIGINT");
  const timers = [setTimeout(() => child.kill("SIGTERM"), 7_500), setTimeout(() => child.kill("SIGKILL"), 10_000)];
  const result = await ended;
  for (const timer of timers) clearTimeout(timer);
  return result;
}

describe("a build that its runner cancels leaves nothing", () => {
  const chosen = drawMoments(20_240_229, moments.start, moments.step, moments.launch, moments.push);

  test.each(chosen)("%s", async (_name, drawn) => {
    const { build, traces } = await machine().buildUntil(drawn);
    expect(await endLikeRunner(build)).toBe(130);
    expect(build.output()).toBe("cancelled by SIGINT");
    expect(await findRemains(machine().home, traces)).toEqual([]);
  });
});

describe("a build that is terminated leaves nothing, however often it is told", () => {
  test.each(drawMoments(20_240_301, moments.boot, moments.proxy))("%s", async (_name, drawn) => {
    const { build, traces } = await machine().buildUntil(drawn);
    build.child.kill("SIGTERM");
    await build.seen((event) => event.type === "note" && event.text.startsWith("stopping"));
    for (const signal of ["SIGINT", "SIGINT", "SIGHUP", "SIGTERM"] as const) build.child.kill(signal);
    expect(await build.ended).toBe(130);
    expect(build.output()).toBe("cancelled by SIGTERM");
    expect(await findRemains(machine().home, traces)).toEqual([]);
  });
});
