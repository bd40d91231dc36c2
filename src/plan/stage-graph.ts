import type { Stage } from "../kubefile/instruction.ts";
import { copyOrigin, stageNamed, stageOfCopy } from "../kubefile/stage-references.ts";
import type { Word } from "../kubefile/word.ts";

/** A stage that the last one depends on, and its place among all of the file. */
export interface NeededStage {
  readonly stage: Stage;
  /** Counted from 0, as `COPY --from=0` does. */
  readonly position: number;
  /** What FROM names, variables replaced. */
  readonly image: string;
  /** Position of the stage that FROM names, when it names one. */
  readonly base?: number;
}

/** The last stage, and before it those that it is made from, in the order of the file. The others are not built. */
export function neededStages(stages: readonly Stage[], expand: (word: Word) => string): readonly NeededStage[] {
  const all = stages.map((stage, position): NeededStage => {
    const image = expand(stage.from.image);
    const base = stageNamed(stages, image, position);
    return { stage, position, image, ...(base === undefined ? {} : { base }) };
  });
  const needed = new Set<number>();
  const visit = (position: number): void => {
    const found = all[position];
    if (found === undefined || needed.has(position)) return;
    needed.add(position);
    for (const dependency of [found.base, ...copiedFrom(stages, position)]) {
      if (dependency !== undefined) visit(dependency);
    }
  };
  visit(stages.length - 1);
  return all.filter(({ position }) => needed.has(position));
}

/** Where a stage of the file stands among those that are built. */
export function plannedPosition(needed: readonly NeededStage[], position: number): number {
  return needed.findIndex((candidate) => candidate.position === position);
}

function copiedFrom(stages: readonly Stage[], position: number): (number | undefined)[] {
  return (stages[position]?.instructions ?? []).map((instruction) => {
    const origin = instruction.kind === "COPY" ? copyOrigin(instruction) : undefined;
    return origin === undefined ? undefined : stageOfCopy(stages, origin.text, position);
  });
}
