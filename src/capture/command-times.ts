import type { Location } from "../error.ts";

/** When each launch command ran, so that what appeared meanwhile can be laid to a line of the Kubefile. */
export interface CommandTimeline {
  begin(command: string, location: Location): void;
  end(): void;
  /**
   * The command that was running at that time, or the last one before it: what a controller makes a moment later still
   * goes back to it. Undefined before the first.
   */
  locate(time: Date): Location | undefined;
  /** True while a launch command ran; undefined when none has begun yet. */
  running(time: Date): boolean | undefined;
}

interface Span {
  readonly command: string;
  readonly location: Location;
  readonly begin: Date;
  end: Date | undefined;
}

export function createCommandTimeline(now: () => Date): CommandTimeline {
  const spans: Span[] = [];
  const lastBegun = (time: Date): Span | undefined => spans.findLast((span) => span.begin <= time);
  return {
    begin(command, location) {
      spans.push({ command, location, begin: now(), end: undefined });
    },
    end() {
      const last = spans.at(-1);
      if (last !== undefined) last.end ??= now();
    },
    locate: (time) => lastBegun(time)?.location,
    running(time) {
      if (spans.length === 0) return undefined;
      const span = lastBegun(time);
      return span !== undefined && (span.end === undefined || time <= span.end);
    },
  };
}
