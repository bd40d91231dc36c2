import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { forEachParallel } from "../../../src/image/parallel.ts";
import { failureOf } from "../../support/failure.ts";

describe("forEachParallel", () => {
  it("does everything once and never more at a time than it may", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: 3 }), { maxLength: 30 }),
        fc.integer({ min: 1, max: 6 }),
        async (items, parallel) => {
          const done: number[] = [];
          let [running, most] = [0, 0];
          await forEachParallel(items.entries(), parallel, undefined, async ([position, ticks]) => {
            running += 1;
            most = Math.max(most, running);
            for (let tick = 0; tick < ticks; tick += 1) await Promise.resolve();
            running -= 1;
            done.push(position);
          });
          expect(done.sort((left, right) => left - right)).toEqual([...items.keys()]);
          expect(most).toBeLessThanOrEqual(parallel);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("throws the first failure when everything that ran has ended, and begins nothing more", async () => {
    const ended: string[] = [];
    const work = forEachParallel(["slow", "bad", "never"], 2, undefined, async (item, signal) => {
      if (item === "bad") throw new Error("bad");
      await sleep(10_000, undefined, { signal }).catch(() => undefined);
      await sleep(10);
      ended.push(item);
      throw new Error("of the abort");
    });
    expect(await failureOf(work)).toBe("Error: bad");
    expect(ended).toEqual(["slow"]);
  });

  it("does nothing when it is told to stop before", async () => {
    const begun: number[] = [];
    const work = forEachParallel([1, 2], 2, AbortSignal.abort(new Error("stop")), async (item) => {
      begun.push(item);
    });
    expect(await failureOf(work)).toBe("Error: stop");
    expect(begun).toEqual([]);
  });
});
