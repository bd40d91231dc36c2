import { describe, expect, test } from "vitest";
import type { ProgressEvent } from "../../../src/pipeline/progress.ts";
import { createGroupedRenderer } from "../../../src/platform/grouped-progress.ts";

function rendering() {
  let time = 0;
  let text = "";
  const write = (part: string): void => {
    text += part;
  };
  const renderer = createGroupedRenderer({ write }, () => time, {
    open: (title) => write(`[${title}\n`),
    close: () => write("]\n"),
  });
  return {
    log: () => text.trimEnd().split("\n"),
    close: renderer.close,
    render(...events: readonly ProgressEvent[]) {
      for (const event of events) {
        time += 100;
        renderer.render(event);
      }
    },
  };
}

const start = (phase: string): ProgressEvent => ({ type: "phase-start", phase });
const log = (phase: string, line: string): ProgressEvent => ({ type: "phase-log", phase, line });
const end = (phase: string, failed = false): ProgressEvent => ({
  ...{ type: "phase-end", phase, milliseconds: 1_000, failed },
  summary: "done",
});

describe("groups of a log", () => {
  test("hold what a phase says, with its outcome in sight below", () => {
    const { render, log: shown } = rendering();
    render(start("rootfs"), log("rootfs", "checking for cc"), end("rootfs"), start("assemble"), end("assemble", true));
    expect(shown()).toEqual([
      "[rootfs",
      "   0.2s | checking for cc",
      "]",
      "   0.3s * rootfs: done (1.0s)",
      "   0.5s x assemble: done (1.0s)",
    ]);
  });

  test("never overlap: what began later is told when its turn comes, what has ended by then first", () => {
    const { render, log: shown } = rendering();
    render(start("rootfs"), start("cluster"), start("images"));
    render(log("cluster", "booting"), log("rootfs", "RUN make"), log("images", "one"), log("images", "two"));
    expect(shown()).toEqual(["[rootfs", "   0.5s | RUN make"]);
    render(end("images"), end("rootfs"), log("cluster", "ready"));
    expect(shown().slice(2)).toEqual([
      "]",
      "   0.9s * rootfs: done (1.0s)",
      "[images",
      "   0.6s | one",
      "   0.7s | two",
      "]",
      "   0.8s * images: done (1.0s)",
      "[cluster",
      "   0.4s | booting",
      "   1.0s | ready",
    ]);
    render(end("cluster"));
    expect(shown().slice(-2)).toEqual(["]", "   1.1s * cluster: done (1.0s)"]);
  });

  test("are all told when a run ends early", () => {
    const { render, close, log: shown } = rendering();
    render(start("rootfs"), start("cluster"), log("cluster", "booting"), log("rootfs", "RUN make"));
    close();
    expect(shown()).toEqual(["[rootfs", "   0.4s | RUN make", "]", "[cluster", "   0.3s | booting", "]"]);
  });

  test("tell changes once a second, and notes as they come", () => {
    const { render, log: shown } = rendering();
    render(start("push"));
    for (let step = 1; step <= 12; step += 1) render({ type: "phase-update", phase: "push", text: `${step} of 12` });
    render({ type: "note", level: "info", text: "stopping" });
    expect(shown()).toEqual(["[push", "   0.2s   1 of 12", "   1.2s   11 of 12", "   1.4s   stopping"]);
  });
});
