import type { PhaseTiming } from "./report.ts";
import { formatSeconds } from "./text-table.ts";

/** Phases that took less are not worth a bar. */
const SHORTEST_SECONDS = 0.1;
const SHORT_AXIS_SECONDS = 10;

export interface GanttSection {
  readonly name: string;
  readonly phases: readonly PhaseTiming[];
}

/** The phases of a run as a mermaid chart, which GitHub and GitLab draw. Empty when there is nothing to draw. */
export function ganttMarkdown(sections: readonly GanttSection[]): string {
  const drawn = sections
    .map(({ name, phases }) => ({ name, phases: phases.filter(({ seconds }) => seconds >= SHORTEST_SECONDS) }))
    .filter(({ phases }) => phases.length > 0);
  if (drawn.length === 0) return "";
  const lines = drawn.flatMap(({ name, phases }) => [
    `  section ${label(name)}`,
    ...phases.map(({ name: phase, start, seconds }) => {
      const begin = Math.round(start * 1_000);
      return `  ${label(phase)} ${formatSeconds(seconds)} :${begin}, ${begin + Math.round(seconds * 1_000)}`;
    }),
  ]);
  const end = Math.max(...drawn.flatMap(({ phases }) => phases.map(({ start, seconds }) => start + seconds)));
  // Milliseconds since 1970 as dates, and seconds since then on the axis: the reader's time zone does not matter. A short
  // axis has several marks a second, which would all say the same.
  const axis = end < SHORT_AXIS_SECONDS ? "%-S.%L s" : "%s s";
  return ["```mermaid", "gantt", "  dateFormat x", `  axisFormat ${axis}`, ...lines, "```"].join("\n");
}

/** What a phase is named after may hold what mermaid acts on, or would take for the end of a label. */
function label(text: string): string {
  return (
    text
      .replace(/[^\p{L}\p{N} ./@_-]+/gu, " ")
      .trim()
      .slice(0, 60) || "phase"
  );
}
