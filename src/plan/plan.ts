import { KubefileError, type Location } from "../error.ts";
import type { Kubefile } from "../kubefile/instruction.ts";
import type { Platform } from "../oci/descriptor.ts";
import { bringsNetwork } from "./own-network.ts";
import type { DeclaredApp, PlannedLaunch } from "./planned-launch.ts";
import { createScope, undeclaredBuildArgs } from "./scope.ts";
import type { PlannedStage } from "./stage.ts";
import { neededStages } from "./stage-graph.ts";
import { planStage, type StageResult } from "./stage-plan.ts";

/** What a Kubefile asks for, before anything is done. */
export interface Plan {
  /** Those that the result is made from, in the order of the file; the last is the result. */
  readonly stages: readonly PlannedStage[];
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly maintainer?: string;
  readonly kubeVersion?: string;
  readonly kubeVersionAt?: Location;
  readonly apps: readonly DeclaredApp[];
  readonly launch: PlannedLaunch;
  /** True when the launch brings its own pod network. */
  readonly bringsNetwork: boolean;
  /** Build arguments that no ARG declares. */
  readonly unusedBuildArgs: readonly string[];
}

/** Turns a Kubefile without errors into a plan. @throws KubefileError UNSUPPORTED for an APP source that is a URL */
export function planBuild(
  kubefile: Kubefile,
  options: { readonly buildArgs: ReadonlyMap<string, string>; readonly platform: Platform },
): Plan {
  const { file, instructions, stages } = kubefile;
  const scope = createScope(options.buildArgs, options.platform);
  for (const instruction of instructions) {
    if (instruction.kind === "FROM") break;
    if (instruction.kind === "ARG") scope.declareArg(instruction);
  }
  const needed = neededStages(stages, scope.expand);
  const results: StageResult[] = [];
  for (const stage of needed) results.push(planStage(stage, { file, stages, needed, results, scope }));
  const result = results.at(-1);
  if (result === undefined) throw new KubefileError("INTERNAL", `${file} has no FROM`);
  const { planned: _planned, apps, launch = { kind: "commands", commands: [] }, ...inherited } = result;
  return {
    ...inherited,
    stages: results.map(({ planned }) => planned),
    apps: [...apps.values()],
    launch,
    bringsNetwork: bringsNetwork(result.labels),
    unusedBuildArgs: undeclaredBuildArgs(options.buildArgs, declaredArgs(kubefile)),
  };
}

function declaredArgs({ instructions }: Kubefile): ReadonlySet<string> {
  return new Set(
    instructions.flatMap((instruction) =>
      instruction.kind === "ARG" ? instruction.arguments.map(({ name }) => name.text) : [],
    ),
  );
}
