import { expect, it } from "vitest";
import { createCommandTimeline } from "../../../src/capture/command-times.ts";

it("lays what appears to the command that ran then, or last before", () => {
  let now = 0;
  const timeline = createCommandTimeline(() => new Date(now));
  const at = (time: number) => ({
    line: timeline.locate(new Date(time))?.line,
    running: timeline.running(new Date(time)),
  });
  expect(at(5)).toEqual({ line: undefined, running: undefined });
  now = 10;
  timeline.begin("kubectl apply -f a", { file: "Kubefile", line: 4 });
  expect(at(12)).toEqual({ line: 4, running: true });
  now = 20;
  timeline.end();
  timeline.end();
  now = 30;
  timeline.begin("helm install b", { file: "Kubefile", line: 5 });
  now = 40;
  timeline.end();
  expect([5, 10, 20, 25, 30, 40, 99].map(at)).toEqual([
    { line: undefined, running: false },
    { line: 4, running: true },
    { line: 4, running: true },
    { line: 4, running: false },
    { line: 5, running: true },
    { line: 5, running: true },
    { line: 5, running: false },
  ]);
});
