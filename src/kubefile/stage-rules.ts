import { quoted, type Report } from "./diagnostic.ts";
import { checkImage } from "./image-name.ts";
import type { CopyInstruction, Kubefile, Stage } from "./instruction.ts";
import { didYouMean, nearest } from "./nearest.ts";
import { copyOrigin, namesImage, stageOfCopy } from "./stage-references.ts";

/** Names of stages, and what `COPY --from` says. */
export function checkStages({ stages }: Kubefile, report: Report): void {
  checkNames(stages, report);
  for (const [position, stage] of stages.entries()) {
    for (const instruction of stage.instructions) {
      if (instruction.kind === "COPY") checkOrigin(instruction, stages, position, report);
    }
  }
}

function checkNames(stages: readonly Stage[], report: Report): void {
  for (const [position, { name, from }] of stages.entries()) {
    const earlier = stages.slice(0, position).find((stage) => stage.name === name);
    if (name === undefined || from.stage === undefined || earlier === undefined) continue;
    report({
      severity: "error",
      code: "duplicate-stage",
      message: `the stage ${quoted(from.stage.text)} is there already, on line ${earlier.from.span.start.line}`,
      hint: "choose another name",
      span: from.stage.span,
    });
  }
}

function checkOrigin(instruction: CopyInstruction, stages: readonly Stage[], position: number, report: Report): void {
  const origin = copyOrigin(instruction);
  if (origin === undefined) return;
  const { text, span } = origin;
  if (origin.parts.some((part) => part.kind === "variable")) {
    report({
      severity: "error",
      code: "from-variable",
      message: "COPY --from cannot hold variables",
      hint: `write FROM ${text} AS NAME above, and COPY --from=NAME`,
      span,
    });
    return;
  }
  if (stageOfCopy(stages, text, position) !== undefined) return;
  if (namesImage(stages, origin)) {
    checkImage(origin, report);
    return;
  }
  const own = stages.findIndex(({ name }) => name === text.toLowerCase());
  const isNumber = /^\d+$/.test(text);
  const names = stages.slice(0, position).flatMap(({ name }) => name ?? []);
  report({
    severity: "error",
    code: "unknown-stage",
    message:
      own === position || (isNumber && Number(text) === position)
        ? `a stage cannot copy from itself (${quoted(text)})`
        : own < 0
          ? `there is no stage ${text} above`
          : `the stage ${quoted(text)} stands below, on line ${stages[own]?.from.span.start.line}`,
    hint:
      own > position
        ? "move it up: a stage is made of those above it"
        : (didYouMean(nearest(text, names)) ?? stageHint(position)),
    span,
  });
}

function stageHint(position: number): string {
  if (position === 0) return "leave out --from to copy from the build context";
  return position === 1 ? "the stage above is number 0" : `the stages above are numbers 0 to ${position - 1}`;
}
