import type { Progress } from "./progress.ts";

/** The progress of one of several builds: phases and notes carry its platform's name, and only its own are listed. */
export function platformProgress(progress: Progress, platform: string): Progress {
  const prefix = `${platform} `;
  const warnings: string[] = [];
  return {
    phase: (name, work) => progress.phase(`${prefix}${name}`, work),
    note(level, text, where) {
      if (level === "warning") warnings.push(text);
      progress.note(level, `${platform}: ${text}`, where);
    },
    timings: () =>
      progress
        .timings()
        .filter(({ name }) => name.startsWith(prefix))
        .map((timing) => ({ ...timing, name: timing.name.slice(prefix.length) })),
    warnings: () => warnings,
  };
}
