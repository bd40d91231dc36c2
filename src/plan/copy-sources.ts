import { KubefileError, type Location } from "../error.ts";
import { expandText } from "../kubefile/expand.ts";
import { flagIsSet, flagValue } from "../kubefile/flags.ts";
import type { AddInstruction, CopyInstruction, Stage } from "../kubefile/instruction.ts";
import { isRemote } from "../kubefile/rootfs-paths.ts";
import { copyOrigin, stageOfCopy } from "../kubefile/stage-references.ts";
import { isDigest } from "../oci/digest.ts";
import { gitSource } from "./git-source.ts";
import { imageReference } from "./image-reference.ts";
import type { Scope } from "./scope.ts";
import { type NeededStage, plannedPosition } from "./stage-graph.ts";
import type { StepSource } from "./step.ts";
import { webAddress } from "./web-address.ts";

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
    instruction.kind === "COPY"
      ? filesOf(instruction, paths, context)
      : paths.map((path) => addSource(path, instruction, context));
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

function addSource(path: string, { flags, sources }: AddInstruction, { scope, where }: CopyContext): StepSource {
  const written = flagValue(flags, "checksum");
  const isUnpacking = flags.some(({ name }) => name === "unpack") ? flagIsSet(flags, "unpack") : undefined;
  const invalid = (message: string, hint: string): KubefileError =>
    new KubefileError("KUBEFILE_INVALID", message, { where, hint });
  if (!isRemote(path)) {
    if (written === undefined) return { kind: "context", paths: [path], unpack: isUnpacking ?? true };
    throw invalid("--checksum is for addresses", `remove it: ${path} is a file of the build context`);
  }
  const repository = gitSource(path, where, written === undefined ? undefined : scope.expand(written));
  if (repository !== undefined) return repository;
  const source = { kind: "url", url: webAddress(path, where), unpack: isUnpacking ?? false } as const;
  if (written === undefined) return source;
  const checksum = scope.expand(written);
  if (!isDigest(checksum)) throw invalid(`--checksum=${checksum} is no sha256 checksum`, "write sha256: and 64 digits");
  if (sources.length > 1) throw invalid("--checksum is for one address", "write an ADD for each");
  return { ...source, checksum };
}

function textsOf(instruction: CopyInstruction | AddInstruction, scope: Scope): readonly StepSource[] {
  return instruction.heredocs.map(({ name, content, expand }) => ({
    kind: "text",
    name,
    text: expand ? expandText(content, scope.lookup) : content,
  }));
}
