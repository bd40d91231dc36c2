import type { ProgressEvent } from "../pipeline/progress.ts";

/** How progress is shown: `tty` redraws lines in place, `plain` prints one line an event, `json` one object a line. */
export type ProgressStyle = "tty" | "plain" | "json";

export interface ProgressRenderer {
  render(event: ProgressEvent): void;
  /** Leaves the terminal as it was found; call it before printing anything else. */
  close(): void;
}

interface Output {
  write(text: string): unknown;
  readonly columns?: number | undefined;
}

/** Milliseconds between two lines about one phase in a plain log. */
const UPDATE_INTERVAL = 1_000;

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const colors = { green: "\u001b[32m", red: "\u001b[31m", yellow: "\u001b[33m", dim: "\u001b[2m", reset: "\u001b[0m" };

export function chooseProgressStyle(asked: "auto" | ProgressStyle, terminal: boolean): ProgressStyle {
  return asked === "auto" ? (terminal ? "tty" : "plain") : asked;
}

export function createRenderer(style: ProgressStyle, output: Output, now: () => number): ProgressRenderer {
  if (style === "json") {
    return { render: (event) => output.write(`${JSON.stringify(event)}\n`), close: () => undefined };
  }
  return style === "tty" ? createTtyRenderer(output, now) : createPlainRenderer(output, now);
}

/** For CI logs: time since the start in front of each line, output of programs indented below its phase. */
function createPlainRenderer(output: Output, now: () => number): ProgressRenderer {
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
          // Output shows that something goes on, so it counts as the phase's last news.
          last.set(event.phase, { time: now(), text: last.get(event.phase)?.text ?? "" });
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

/** For people: finished phases stay as lines, running ones are redrawn below with a spinner, time and what they do. */
function createTtyRenderer(output: Output, now: () => number): ProgressRenderer {
  const running = new Map<string, { start: number; text: string }>();
  let drawn = 0;
  let frame = 0;
  const erase = (): void => {
    if (drawn > 0) output.write(`\u001b[${drawn}A\u001b[0J`);
    drawn = 0;
  };
  const draw = (): void => {
    erase();
    const width = output.columns ?? 100;
    for (const [phase, { start, text }] of running) {
      const head = `${frames[frame % frames.length]} ${phase} ${seconds(now() - start)} `;
      output.write(
        `${head}${colors.dim}${printable(text).slice(0, Math.max(0, width - head.length - 1))}${colors.reset}\n`,
      );
      drawn += 1;
    }
  };
  const permanent = (text: string): void => {
    erase();
    output.write(`${text}\n`);
    draw();
  };
  const timer = setInterval(() => {
    frame += 1;
    draw();
  }, 120);
  timer.unref();
  return {
    render(event) {
      switch (event.type) {
        case "phase-start":
          running.set(event.phase, { start: now(), text: "" });
          draw();
          return;
        case "phase-update": {
          const entry = running.get(event.phase);
          if (entry !== undefined) entry.text = event.text;
          return;
        }
        case "phase-log":
          permanent(`  ${colors.dim}│ ${printable(event.line)}${colors.reset}`);
          return;
        case "phase-end": {
          running.delete(event.phase);
          const mark = event.failed ? `${colors.red}✗${colors.reset}` : `${colors.green}✓${colors.reset}`;
          const summary = event.summary === undefined ? "" : ` ${colors.dim}${printable(event.summary)}${colors.reset}`;
          permanent(`${mark} ${event.phase} ${seconds(event.milliseconds)}${summary}`);
          return;
        }
        case "note":
          permanent(
            event.level === "warning"
              ? `${colors.yellow}!${colors.reset} ${printable(event.text)}`
              : `  ${printable(event.text)}`,
          );
          return;
      }
    },
    close() {
      clearInterval(timer);
      erase();
    },
  };
}

export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)}s`;
}

/** Names and output come from strangers: control characters must not steer the terminal or forge CI commands. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  return text.replace(/\u001b\[[0-9;]*m/g, "").replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g, "�");
}
