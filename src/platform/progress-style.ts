import type { ProgressEvent } from "../pipeline/progress.ts";
import { printableJson } from "../process/printable.ts";
import { createPlainRenderer } from "./plain-progress.ts";
import { createTtyRenderer } from "./tty-progress.ts";

/** How progress is shown: `tty` redraws lines in place, `plain` prints one line an event, `json` one object a line. */
export const progressStyles = ["tty", "plain", "json"] as const;

export type ProgressStyle = (typeof progressStyles)[number];

export interface ProgressRenderer {
  render(event: ProgressEvent): void;
  /** Leaves the terminal as it was found; call it before printing anything else. Nothing is drawn afterwards. */
  close(): void;
}

/** Where progress goes; a terminal has a width. */
export interface ProgressOutput {
  write(text: string): unknown;
  readonly columns?: number | undefined;
}

export function chooseProgressStyle(asked: "auto" | ProgressStyle, terminal: boolean): ProgressStyle {
  return asked === "auto" ? (terminal ? "tty" : "plain") : asked;
}

/** @param now milliseconds of a monotonic clock */
export function createRenderer(style: ProgressStyle, output: ProgressOutput, now: () => number): ProgressRenderer {
  if (style === "json") {
    return { render: (event) => output.write(`${printableJson(event, 0)}\n`), close: () => undefined };
  }
  return style === "tty" ? createTtyRenderer(output, now) : createPlainRenderer(output, now);
}
