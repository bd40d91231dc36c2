import { chart, type Line, type Panel } from "../chart.ts";
import type { Timed } from "./timed-build.ts";

/** What builds of one context took. */
export interface Row {
  /** Which count it is: files of the context, images that files name, images that a rehearsal captured. */
  readonly kind: "files" | "images" | "rehearsed";
  readonly count: number;
  readonly cold: Timed;
  /** The best of several. */
  readonly unchanged: Timed;
  /** Of an unchanged build, to upstreams. */
  readonly requests: number;
}

const GREY = "#8c959f";
const BLUE = "#0969da";

/** Of processor time, which hardly depends on what else the machine does. */
export function scalingChart(rows: readonly Row[]): string {
  const panel = (kind: Row["kind"], title: string, xTitle: string): Panel => {
    const line = (name: string, color: string, values: Line["values"], y: (row: Row) => number): Line => ({
      ...{ name, color, values },
      points: rows.filter((row) => row.kind === kind).map((row) => ({ x: row.count, y: y(row) })),
    });
    const lines = [
      line("cold, static", GREY, "above", (row) => row.cold.processor),
      line("unchanged", BLUE, "below", (row) => row.unchanged.processor),
    ];
    return { title, xTitle, yTitle: "seconds of processor time", lines };
  };
  return chart([
    panel("images", "Images of the application", "images"),
    panel("files", "Files in the context", "files of 250 bytes"),
  ]);
}
