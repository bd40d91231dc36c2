import { printable } from "../process/printable.ts";
import type { ProgressOutput, ProgressRenderer } from "./progress-style.ts";
import { seconds } from "./seconds.ts";

/** Milliseconds between two lines about one phase. */
const UPDATE_INTERVAL = 1_000;

/** Begins and ends a part of the log that can be folded. Parts follow each other; none is inside another. */
export interface GroupMarkers {
  open(title: string): void;
  close(title: string): void;
}

interface Group {
  readonly phase: string;
  /** Not printed yet. */
  readonly lines: string[];
  /** The line that stays to be seen when the group is folded. */
  ending?: string;
  /** What was said of it last, and when. */
  last?: { readonly time: number; readonly text: string };
}

/**
 * For logs that fold. Phases overlap and groups cannot, so the phase that began first is told as it goes on, and what the
 * others say meanwhile is kept until it is their turn. What a phase came to stands below its group, in sight.
 */
export function createGroupedRenderer(
  output: ProgressOutput,
  now: () => number,
  markers: GroupMarkers,
): ProgressRenderer {
  const start = now();
  const groups: Group[] = [];
  /** The phase whose group is open in the log: always the first of `groups`. */
  let opened: string | undefined;
  const line = (mark: string, text: string): string =>
    `${seconds(now() - start).padStart(7)} ${mark} ${printable(text)}\n`;
  const print = (group: Group): void => {
    if (group.lines.length > 0 && opened === undefined) {
      markers.open(printable(group.phase));
      opened = group.phase;
    }
    for (const text of group.lines.splice(0)) output.write(text);
  };
  const finish = (group: Group): void => {
    print(group);
    if (opened !== undefined) markers.close(printable(opened));
    opened = undefined;
    groups.splice(groups.indexOf(group), 1);
    if (group.ending !== undefined) output.write(group.ending);
  };
  const goOn = (): void => {
    // What has ended is told at once, so that little is kept; then the next one goes on in the open.
    for (const group of groups.filter(({ ending }) => ending !== undefined)) finish(group);
    if (groups[0] !== undefined) print(groups[0]);
  };
  const say = (phase: string, text: string): void => {
    const group = groups.find((each) => each.phase === phase);
    if (group === undefined) output.write(text);
    else group.lines.push(text);
    if (group !== undefined && group === groups[0]) print(group);
  };
  const isNews = (phase: string, text: string): boolean => {
    const group = groups.find((each) => each.phase === phase);
    if (group?.last !== undefined && (group.last.text === text || now() - group.last.time < UPDATE_INTERVAL)) {
      return false;
    }
    if (group !== undefined) group.last = { time: now(), text };
    return true;
  };
  return {
    render(event) {
      switch (event.type) {
        case "phase-start":
          groups.push({ phase: event.phase, lines: [] });
          return;
        case "phase-update":
          if (isNews(event.phase, event.text)) say(event.phase, line(" ", event.text));
          return;
        case "phase-log":
          return say(event.phase, line("|", event.line));
        case "phase-end": {
          const group = groups.find((each) => each.phase === event.phase);
          const summary = event.summary === undefined ? "" : `: ${event.summary}`;
          const ending = line(event.failed ? "x" : "*", `${event.phase}${summary} (${seconds(event.milliseconds)})`);
          if (group === undefined) output.write(ending);
          else group.ending = ending;
          if (group !== undefined && group === groups[0]) goOn();
          return;
        }
        case "note":
          output.write(line(event.level === "warning" ? "!" : " ", event.text));
          return;
      }
    },
    close() {
      for (const group of [...groups]) finish(group);
    },
  };
}
