import type { Location } from "../error.ts";
import { expandText } from "../kubefile/expand.ts";
import type { AddInstruction, CopyInstruction, Stage } from "../kubefile/instruction.ts";
import { isRemote } from "../kubefile/rootfs-paths.ts";
import { copyOrigin, stageOfCopy } from "../kubefile/stage-references.ts";
import { imageReference } from "./image-reference.ts";
import type { Scope } from "./scope.ts";
import { type NeededStage, plannedPosition } from "./stage-graph.ts";
import type { StepSource } from "./step.ts";

export interface CopyContext {
  readonly scope: Scope;
  /** All of the file. */
  readonly stages: readonly Stage[];
  readonly needed: readonly NeededStage[];
  /** Of the stage that copies, among all of the file. */
  readonly position: number;
  readonly baseRegistry: string | undefined;
  /** Of the instruction. */
  readonly where: Location;
}

/** Where the files of a COPY or ADD come from, in its order. */
export function copySources(
  instruction: CopyInstruction | AddInstruction,
  context: CopyContext,
): readonly StepSource[] {
  const paths = instruction.sources.map(context.scope.expand);
  const files =
    instruction.kind === "COPY" ? filesOf(instruction, paths, context) : paths.map((path) => addSource(path));
  return [...files, ...textsOf(instruction, context.scope)];
}

function filesOf(
  instruction: CopyInstruction,
  paths: readonly string[],
  { stages, needed, position, baseRegistry, where }: CopyContext,
): readonly StepSource[] {
  if (paths.length === 0) return [];
  const origin = copyOrigin(instruction);
  if (origin === undefined) return [{ kind: "context", paths, unpack: false }];
  const stage = stageOfCopy(stages, origin.text, position);
  return stage === undefined
    ? [{ kind: "image", reference: imageReference(origin.text, baseRegistry, where), paths }]
    : [{ kind: "stage", stage: plannedPosition(needed, stage), paths }];
}

function addSource(path: string): StepSource {
  return isRemote(path) ? { kind: "url", url: path, unpack: false } : { kind: "context", paths: [path], unpack: true };
}

function textsOf(instruction: CopyInstruction | AddInstruction, scope: Scope): readonly StepSource[] {
  return instruction.heredocs.map(({ name, content, expand }) => ({
    kind: "text",
    name,
    text: expand ? expandText(content, scope.lookup) : content,
  }));
}
