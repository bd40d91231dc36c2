import { printable } from "../process/printable.ts";
import type { ProgressOutput, ProgressRenderer } from "./progress-style.ts";
import { seconds } from "./seconds.ts";

/** Milliseconds between two lines about one phase. */
const UPDATE_INTERVAL = 1_000;

/** For CI logs: time since the start and a mark in front of each line. */
export function createPlainRenderer(output: ProgressOutput, now: () => number): ProgressRenderer {
  const start = now();
  const last = new Map<string, { readonly time: number; readonly text: string }>();
  const line = (mark: string, text: string): void => {
    output.write(`${seconds(now() - start).padStart(7)} ${mark} ${printable(text)}\n`);
  };
  /** A log that is kept wants to know what changed, not that nothing did, and not each of a hundred steps a second. */
  const isNews = (phase: string, text: string): boolean => {
    const before = last.get(phase);
    if (before !== undefined && (before.text === text || now() - before.time < UPDATE_INTERVAL)) return false;
    last.set(phase, { time: now(), text });
    return true;
  };
  return {
    render(event) {
      switch (event.type) {
        case "phase-start":
          line(">", event.phase);
          return;
        case "phase-update":
          if (isNews(event.phase, event.text)) line(" ", `${event.phase}: ${event.text}`);
          return;
        case "phase-log":
          line("|", event.line);
          return;
        case "phase-end": {
          const summary = event.summary === undefined ? "" : `: ${event.summary}`;
          line(event.failed ? "x" : "*", `${event.phase}${summary} (${seconds(event.milliseconds)})`);
          return;
        }
        case "note":
          line(event.level === "warning" ? "!" : " ", event.text);
          return;
      }
    },
    close: () => undefined,
  };
}
