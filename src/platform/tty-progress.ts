import { printable } from "../process/printable.ts";
import type { ProgressOutput, ProgressRenderer } from "./progress-style.ts";
import { seconds } from "./seconds.ts";
import { cutToWidth, textWidth } from "./text-width.ts";

const FRAME_MILLISECONDS = 120;
const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const paint = (code: number) => (text: string) => (text === "" ? "" : `\u001b[${code}m${text}\u001b[0m`);
const [red, green, yellow, dim] = [paint(31), paint(32), paint(33), paint(2)];
const clearLine = "\u001b[K";
const clearBelow = "\u001b[J";

/**
 * For people: finished phases stay as lines, running ones are redrawn below with a spinner, their time and what they do.
 * Each frame is one write over the one before, so that nothing flickers, and ends below the last line, so that whatever
 * else is printed, and a process that is killed, leave a terminal in order.
 */
export function createTtyRenderer(output: ProgressOutput, now: () => number): ProgressRenderer {
  const running = new Map<string, { readonly start: number; text: string }>();
  let drawn = 0;
  let frame = 0;
  let closed = false;
  const runningLines = (): string[] => {
    // The last column stays free: some terminals wrap a line as soon as it is full.
    const width = (output.columns ?? 80) - 1;
    const spinner = frames[frame % frames.length] ?? "";
    return [...running].map(([phase, { start, text }]) => {
      const head = cutToWidth(`${spinner} ${printable(phase)} ${seconds(now() - start)} `, width);
      return head + dim(cutToWidth(printable(text).replaceAll("\t", " "), width - textWidth(head)));
    });
  };
  const draw = (permanent: readonly string[] = []): void => {
    if (closed) return;
    const lines = runningLines();
    const up = drawn === 0 ? "" : `\u001b[${drawn}A`;
    output.write(`${up}\r${[...permanent, ...lines].map((line) => `${line}${clearLine}\n`).join("")}${clearBelow}`);
    drawn = lines.length;
  };
  const timer = setInterval(() => {
    frame += 1;
    if (running.size > 0) draw();
  }, FRAME_MILLISECONDS);
  timer.unref();
  return {
    render(event) {
      switch (event.type) {
        case "phase-start":
          running.set(event.phase, { start: now(), text: "" });
          return draw();
        case "phase-update": {
          // Shown with the next frame.
          const entry = running.get(event.phase);
          if (entry !== undefined) entry.text = event.text;
          return;
        }
        case "phase-log":
          return draw([dim(`  │ ${printable(event.line)}`)]);
        case "phase-end": {
          running.delete(event.phase);
          const summary = event.summary === undefined ? "" : ` ${dim(printable(event.summary))}`;
          const mark = event.failed ? red("✗") : green("✓");
          return draw([`${mark} ${printable(event.phase)} ${seconds(event.milliseconds)}${summary}`]);
        }
        case "note":
          return draw([`${event.level === "warning" ? yellow("!") : " "} ${printable(event.text)}`]);
      }
    },
    close() {
      clearInterval(timer);
      running.clear();
      if (drawn > 0) draw();
      closed = true;
    },
  };
}
