import { chart, type Line } from "../chart.ts";
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
const GREEN = "#1a7f37";
const RED = "#cf222e";

export function scalingChart(rows: readonly Row[]): string {
  const line = (name: string, color: string, kind: Row["kind"], y: (row: Row) => number): Line => ({
    ...{ name, color, values: color === BLUE || color === GREEN ? "below" : "above" },
    points: rows.filter((row) => row.kind === kind).map((row) => ({ x: row.count, y: y(row) })),
  });
  const unchanged = (kind: Row["kind"]): Line[] => [
    line("unchanged", BLUE, kind, (row) => row.unchanged.wall),
    line("its look-up: keys, records, tags", GREEN, kind, (row) => row.unchanged.lookUp),
  ];
  return chart(
    [
      {
        title: "Images of the application",
        xTitle: "images",
        lines: [
          line("cold, rehearsed in kind", RED, "rehearsed", (row) => row.cold.wall),
          line("cold, static", GREY, "images", (row) => row.cold.wall),
          ...unchanged("images"),
        ],
      },
      {
        title: "Files in the context",
        xTitle: "files of 250 bytes",
        lines: [line("cold, static", GREY, "files", (row) => row.cold.wall), ...unchanged("files")],
      },
    ].map((panel) => ({ ...panel, yTitle: "seconds", lines: panel.lines.filter(({ points }) => points.length > 0) })),
  );
}
