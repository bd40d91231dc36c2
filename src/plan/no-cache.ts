import { KubefileError } from "../error.ts";
import type { PlannedStage } from "./stage.ts";

/** Which results of earlier builds a build does without. */
export interface CacheUse {
  /** @param number of the step among all, as progress shows it */
  uses(step: { readonly shown: string; readonly number: number; readonly stage: string }): boolean;
  readonly usesRehearsal: boolean;
  /** Why it does without the others. */
  readonly reason: string;
}

/** What names the rehearsal in `--no-cache-filter`. */
const rehearsal = "LAUNCH";

/**
 * Reads `--no-cache` and `--no-cache-filter`. A filter is the number of a step (`3`, as in `[3/7]`), a keyword (`RUN`,
 * `COPY`; `LAUNCH` is the rehearsal) or the name of a stage.
 *
 * @throws KubefileError USAGE for filters that fit nothing
 */
export function cacheUse(
  stages: readonly PlannedStage[],
  { noCache, filters }: { readonly noCache: boolean; readonly filters: readonly string[] },
): CacheUse {
  if (noCache) return { uses: () => false, usesRehearsal: false, reason: "--no-cache" };
  const wanted = filters.map((filter) => filter.trim().toUpperCase());
  const isNamed = (names: readonly string[]): boolean => names.some((name) => wanted.includes(name));
  const steps = stages.flatMap(({ title, steps: own }) => own.map(({ shown }) => ({ shown, stage: title })));
  const known = new Set([rehearsal, ...steps.flatMap((step, index) => namesOf({ ...step, number: index + 1 }))]);
  const unknown = filters.filter((_, position) => !known.has(wanted[position] ?? ""));
  if (unknown.length > 0) {
    const shown = unknown.map((filter) => JSON.stringify(filter)).join(", ");
    throw new KubefileError("USAGE", `--no-cache-filter ${shown} fits no step`, {
      hint: `write LAUNCH for the rehearsal, a keyword such as RUN, the name of a stage, or a number from 1 to ${steps.length}`,
    });
  }
  return {
    uses: (step) => !isNamed(namesOf(step)),
    usesRehearsal: !wanted.includes(rehearsal),
    reason: "--no-cache-filter",
  };
}

function namesOf({ shown, number, stage }: { shown: string; number: number; stage: string }): string[] {
  // A stage without a name is called by its position, which would be taken for a step's number.
  const stageName = /^stage (\D.*)$/.exec(stage)?.[1];
  const keyword = shown.split(/\s/, 1)[0];
  return [String(number), keyword, stageName].flatMap((name) => name?.toUpperCase() ?? []);
}
