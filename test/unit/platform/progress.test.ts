import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ProgressEvent } from "../../../src/pipeline/progress.ts";
import { chooseProgressStyle, createRenderer, type ProgressStyle } from "../../../src/platform/progress-style.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** A renderer with a clock that goes on only when it is told, and a terminal that remembers. */
function rendering(style: ProgressStyle, columns = 60) {
  let time = 1_000;
  const writes: string[] = [];
  const output = { columns, write: (text: string) => writes.push(text) };
  const renderer = createRenderer(style, output, () => time);
  return {
    output,
    writes,
    render: renderer.render,
    close: renderer.close,
    wait(milliseconds: number) {
      time += milliseconds;
      vi.advanceTimersByTime(milliseconds);
    },
    /** What a person sees. */
    screen: () => screenOf(writes.join("")),
  };
}

/** Plays a terminal that knows what the renderer uses: lines, carriage return, cursor up, erasing, colours. */
function screenOf(text: string): string[] {
  const lines: string[][] = [[]];
  let [row, column] = [0, 0];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the sequences of a terminal
  for (const [token, count, command] of text.matchAll(/\u001b\[(\d*)([A-Za-z])|[\s\S]/gu)) {
    if (command === "A") row -= Number(count);
    else if (command === "K") lines[row]?.splice(column);
    else if (command === "J") {
      lines[row]?.splice(column);
      lines.splice(row + 1);
    } else if (command === "m") continue;
    else if (command !== undefined) throw new Error(`unknown sequence ${JSON.stringify(token)}`);
    else if (token === "\r") column = 0;
    else if (token === "\n") {
      [row, column] = [row + 1, 0];
      lines[row] ??= [];
    } else {
      const line = lines[row] ?? [];
      line[column] = token;
      column += 1;
    }
  }
  expect(row).toBeGreaterThanOrEqual(0);
  return lines.map((line) => line.join("")).slice(0, -1);
}

const story: readonly ProgressEvent[] = [
  { type: "phase-start", phase: "rootfs" },
  { type: "phase-start", phase: "kind cluster" },
  { type: "phase-update", phase: "rootfs", text: "[1/2] RUN ./configure" },
  { type: "phase-log", phase: "rootfs", line: "checking for \u001b[32mcc\u001b[0m" },
  { type: "note", level: "warning", text: "an image has no tag" },
  { type: "phase-end", phase: "rootfs", milliseconds: 1_234, failed: false, summary: "2 layers" },
  { type: "phase-end", phase: "kind cluster", milliseconds: 20_000, failed: true },
  { type: "note", level: "info", text: "stopping" },
];

describe("a log", () => {
  test("has a line for each event, with the time since the start", () => {
    const { render, wait, screen } = rendering("plain");
    for (const event of story) {
      wait(100);
      render(event);
    }
    expect(screen()).toEqual([
      "   0.1s > rootfs",
      "   0.2s > kind cluster",
      "   0.3s   rootfs: [1/2] RUN ./configure",
      "   0.4s | checking for cc",
      "   0.5s ! an image has no tag",
      "   0.6s * rootfs: 2 layers (1.2s)",
      "   0.7s x kind cluster (20.0s)",
      "   0.8s   stopping",
    ]);
  });

  test("says of a phase that changes all the time what it does once a second, and nothing twice", () => {
    const { render, wait, screen } = rendering("plain");
    for (let step = 1; step <= 25; step += 1) {
      render({ type: "phase-update", phase: "blobs", text: `${step} of 25` });
      wait(100);
    }
    wait(5_000);
    render({ type: "phase-update", phase: "blobs", text: "21 of 25" });
    render({ type: "phase-update", phase: "other", text: "at once" });
    expect(screen()).toEqual([
      "   0.0s   blobs: 1 of 25",
      "   1.0s   blobs: 11 of 25",
      "   2.0s   blobs: 21 of 25",
      "   7.5s   other: at once",
    ]);
  });

  test("lets no output begin a line, where a CI system would take it for a command", () => {
    const { render, screen } = rendering("plain");
    render({ type: "phase-log", phase: "rootfs", line: "::set-env name=PATH::/tmp" });
    render({ type: "phase-log", phase: "rootfs", line: "one\r::error::two" });
    expect(screen()).toEqual(["   0.0s | ::set-env name=PATH::/tmp", "   0.0s | one�::error::two"]);
  });
});

describe("json", () => {
  test("is one object a line, as the events are", () => {
    const { render, writes } = rendering("json");
    for (const event of story) render(event);
    expect(writes.map((line) => JSON.parse(line))).toEqual(story);
    expect(writes.join("").trimEnd().split("\n")).toHaveLength(story.length);
  });
});

describe("a terminal", () => {
  test("shows running phases below what has happened, and redraws them in place", () => {
    const { render, wait, screen } = rendering("tty");
    for (const event of story.slice(0, 4)) render(event);
    wait(1_500);
    expect(screen()).toEqual(["  │ checking for cc", "⠹ rootfs 1.5s [1/2] RUN ./configure", "⠹ kind cluster 1.5s "]);
    for (const event of story.slice(4, 6)) render(event);
    wait(120);
    expect(screen()).toEqual([
      "  │ checking for cc",
      "! an image has no tag",
      "✓ rootfs 1.2s 2 layers",
      "⠸ kind cluster 1.6s ",
    ]);
    for (const event of story.slice(6)) render(event);
    expect(screen().slice(2)).toEqual(["✓ rootfs 1.2s 2 layers", "✗ kind cluster 20.0s", "  stopping"]);
  });

  test("writes each frame in one piece, so that nothing flickers", () => {
    const { render, wait, writes } = rendering("tty");
    for (const event of story.slice(0, 3)) render(event);
    const before = writes.length;
    wait(120 * 5);
    expect(writes.length - before).toBe(5);
  });

  test("cuts what is wider than the terminal, in columns, so that no line wraps", () => {
    const { render, wait, screen, output } = rendering("tty", 30);
    render({ type: "phase-start", phase: "launch" });
    render({ type: "phase-update", phase: "launch", text: "kubectl apply -f manifests/" });
    wait(120);
    expect(screen()).toEqual(["⠙ launch 0.1s kubectl apply …"]);
    render({ type: "phase-update", phase: "launch", text: "集群镜像集群镜像集群镜像" });
    wait(120);
    expect(screen()).toEqual(["⠹ launch 0.2s 集群镜像集群镜…"]);
    output.columns = 12;
    wait(120);
    expect(screen()).toEqual(["⠸ launch 0…"]);
  });

  test("keeps a program's output from steering it", () => {
    const { render, screen } = rendering("tty");
    render({ type: "phase-log", phase: "rootfs", line: "\u001b[2J\u001b[5Aspoof\u0007\ttab" });
    expect(screen()).toEqual(["  │ spoof�\ttab"]);
  });

  test("is left in order: nothing half drawn, the cursor on a free line, no drawing afterwards", () => {
    const { render, close, wait, writes, screen } = rendering("tty");
    for (const event of story.slice(0, 5)) render(event);
    close();
    const drawn = writes.length;
    expect(screen()).toEqual(["  │ checking for cc", "! an image has no tag"]);
    wait(1_000);
    render({ type: "note", level: "info", text: "late" });
    close();
    expect(writes).toHaveLength(drawn);
    expect(vi.getTimerCount()).toBe(0);
  });
});

test.each([
  ["auto", true, "tty"],
  ["auto", false, "plain"],
  ["json", true, "json"],
  ["plain", true, "plain"],
  ["tty", false, "tty"],
] as const)("--progress %s, with a terminal %s, is %s", (asked, terminal, style) => {
  expect(chooseProgressStyle(asked, terminal)).toBe(style);
});
