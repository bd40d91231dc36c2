import { describe, expect, it } from "vitest";
import type { Problem } from "../../../src/capture/assessment.ts";
import { createPersistence } from "../../../src/capture/persistence.ts";

const image: Problem = {
  object: { kind: "Pod", namespace: "shop", name: "web", uid: "1" },
  gravity: "image",
  reason: "ErrImagePull",
  message: "",
  cause: "image",
  container: { container: "app", role: "main", image: "web:1" },
  restarts: 0,
};

const at = (seconds: number): Date => new Date(seconds * 1000);

describe("a problem is believed", () => {
  it("when a pull fails a second time, whatever it is called meanwhile", () => {
    const persistence = createPersistence();
    const steps: [number, string, boolean][] = [
      [0, "ErrImagePull", false],
      [1, "ErrImagePull", false],
      [2, "ImagePullBackOff", false],
      [9, "ImagePullBackOff", false],
      [10, "ErrImagePull", true],
    ];
    for (const [time, reason, lasts] of steps) {
      const problem = { ...image, reason };
      persistence.update([problem], at(time));
      expect(persistence.lasts(problem, at(time))).toBe(lasts);
    }
  });

  it("when a pull has failed for 15 seconds without a pause", () => {
    const persistence = createPersistence();
    const backOff = { ...image, reason: "ImagePullBackOff" };
    persistence.update([backOff], at(0));
    persistence.update([backOff], at(14));
    expect(persistence.lasts(backOff, at(14))).toBe(false);
    expect(persistence.lasts(backOff, at(15))).toBe(true);
    persistence.update([], at(16));
    persistence.update([backOff], at(17));
    expect(persistence.lasts(backOff, at(18))).toBe(false);
  });

  it("when a container has crashed three times, at once", () => {
    const persistence = createPersistence();
    const crash: Problem = { ...image, gravity: "stuck", cause: "other", reason: "CrashLoopBackOff", restarts: 2 };
    persistence.update([crash], at(0));
    expect(persistence.lasts(crash, at(600))).toBe(false);
    expect(persistence.lasts({ ...crash, restarts: 3 }, at(0))).toBe(true);
  });

  it("when a container has crashed once more since what it may have waited for came up", () => {
    const persistence = createPersistence();
    const crash: Problem = { ...image, gravity: "stuck", cause: "other", reason: "CrashLoopBackOff", restarts: 3 };
    persistence.update([crash], at(70), true);
    persistence.update([crash], at(75), true);
    persistence.update([crash], at(76));
    expect(persistence.lasts(crash, at(76))).toBe(false);
    // It runs for a moment, which is no advance, and crashes again.
    persistence.update([], at(150));
    const again = { ...crash, restarts: 4 };
    persistence.update([again], at(151));
    expect(persistence.lasts(again, at(151))).toBe(true);
  });

  it.each([
    ["FailedCreate", 30, 60],
    ["FailedMount", 100, 200],
    ["FailedCreate", 300, 480],
    ["FailedCreate", 10, 40],
    ["CreateContainerConfigError", 100, 130],
    ["Unschedulable", 0, 30],
  ])("%s of the first second, when all else came up after %i s: after %i s", (reason, advanced, believed) => {
    const persistence = createPersistence();
    const stuck: Problem = { ...image, gravity: "stuck", cause: "other", reason };
    for (let second = 0; second <= believed; second += 1) {
      persistence.update([stuck], at(second), second <= advanced);
      expect(persistence.lasts(stuck, at(second))).toBe(second === believed);
    }
  });

  it("never without having been seen", () => {
    expect(createPersistence().lasts(image, at(100))).toBe(false);
  });
});
