import { flagValue } from "./flags.ts";
import type { CopyInstruction, Stage } from "./instruction.ts";
import type { Word } from "./word.ts";

/** The `--from` of a COPY. Variables stand in none: they are refused. */
export function copyOrigin(instruction: CopyInstruction): Word | undefined {
  return flagValue(instruction.flags, "from");
}

/**
 * The stage that FROM or `--from` names: the last of that name before position `before` of the file. Names have no
 * case.
 */
export function stageNamed(stages: readonly Stage[], name: string, before: number): number | undefined {
  const found = stages.slice(0, before).findLastIndex((stage) => stage.name === name.toLowerCase());
  return found < 0 ? undefined : found;
}

/** The stage that `--from` means: by its name, or by its number from 0 on. Undefined: it names an image. */
export function stageOfCopy(stages: readonly Stage[], origin: string, before: number): number | undefined {
  const named = stageNamed(stages, origin, before);
  if (named !== undefined || !/^\d{1,4}$/.test(origin)) return named;
  return Number(origin) < before ? Number(origin) : undefined;
}

/** Whether `--from` can only mean an image: no stage has the name, above or below, and it is no number. */
export function namesImage(stages: readonly Stage[], origin: Word): boolean {
  const isFixed = origin.parts.every((part) => part.kind === "text");
  return isFixed && !/^\d+$/.test(origin.text) && stageNamed(stages, origin.text, stages.length) === undefined;
}
