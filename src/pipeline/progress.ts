import type { Location } from "../error.ts";
import type { PhaseTiming } from "../image/report.ts";

/** What a run tells while it goes on. Front ends render these; nothing else is printed before the result. */
export type ProgressEvent =
  | { readonly type: "phase-start"; readonly phase: string }
  | { readonly type: "phase-update"; readonly phase: string; readonly text: string }
  | { readonly type: "phase-log"; readonly phase: string; readonly line: string }
  | {
      readonly type: "phase-end";
      readonly phase: string;
      readonly milliseconds: number;
      readonly failed: boolean;
      readonly summary?: string;
    }
  | {
      readonly type: "note";
      readonly level: "info" | "warning";
      readonly text: string;
      /** The line of a file that it is about; the text names it, too. */
      readonly where?: Location;
    };

export interface Phase {
  /** A short line on what is going on now; replaces the one before. */
  update(text: string): void;
  /** A line of output of a program that runs in this phase. */
  log(line: string): void;
  /** The few words shown beside the finished phase. */
  summary(text: string): void;
}

export interface Progress {
  /** Runs one named part of the work; phases may overlap. */
  phase<T>(name: string, work: (phase: Phase) => Promise<T>): Promise<T>;
  note(level: "info" | "warning", text: string, where?: Location): void;
  /** Every phase so far, in order of start. */
  timings(): readonly PhaseTiming[];
  /** Every warning so far. */
  warnings(): readonly string[];
}

/** @param now milliseconds of a monotonic clock */
export function createProgress(report: (event: ProgressEvent) => void, now: () => number): Progress {
  const begin = now();
  const timings: { name: string; start: number; seconds: number }[] = [];
  const warnings: string[] = [];
  return {
    async phase(name, work) {
      const start = now();
      const timing = { name, start: (start - begin) / 1000, seconds: 0 };
      timings.push(timing);
      report({ type: "phase-start", phase: name });
      let summary: string | undefined;
      const end = (failed: boolean): void => {
        const milliseconds = now() - start;
        timing.seconds = milliseconds / 1000;
        report({ type: "phase-end", phase: name, milliseconds, failed, ...(summary === undefined ? {} : { summary }) });
      };
      try {
        const result = await work({
          update: (text) => report({ type: "phase-update", phase: name, text }),
          log: (line) => report({ type: "phase-log", phase: name, line }),
          summary: (text) => {
            summary = text;
          },
        });
        end(false);
        return result;
      } catch (error) {
        end(true);
        throw error;
      }
    },
    note(level, text, where) {
      if (level === "warning") warnings.push(text);
      report({ type: "note", level, text, ...(where === undefined ? {} : { where }) });
    },
    timings: () => timings,
    warnings: () => warnings,
  };
}
