import { expect, test } from "vitest";
import { buildMachine, drawMoments, moments } from "./interrupted-build.ts";
import { findRemains } from "./traces.ts";

const machine = buildMachine();

const chosen = drawMoments(20_240_302, moments.start, moments.control, moments.step, moments.settle);

test.each(chosen)("what a build leaves that is killed %s, the next start removes", async (_name, drawn) => {
  const { home } = machine();
  const { build, traces } = await machine().buildUntil(drawn);
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
  const { home } = machine();
  const killed = await machine().buildUntil({ at: moments.boot[1], delay: 2_817 });
  killed.build.child.kill("SIGKILL");
  await killed.build.ended;
  const cleaned = await home.kubefile(["clean"]);
  expect(cleaned).toMatchObject({ exitCode: 0 });
  expect(cleaned.stdout).toContain(`removed run ${killed.traces[0]?.runId}\n`);
  expect(await findRemains(home, killed.traces)).toEqual([]);

  const going = await machine().buildUntil({ at: moments.start[1], delay: 933 });
  const spared = await home.kubefile(["clean", "--all"]);
  const { runId } = going.traces[0] ?? {};
  expect(spared.stdout).toMatch(new RegExp(`^left .* still going on: .*\\b${runId}\\b`, "m"));
  expect(spared.stdout).not.toContain(`removed run ${runId}`);
  going.build.child.kill("SIGTERM");
  expect(await going.build.ended).toBe(130);
  expect(await findRemains(home, going.traces)).toEqual([]);
});
