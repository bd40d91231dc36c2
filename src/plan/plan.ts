import { KubefileError, type Location } from "../error.ts";
import type { BaseImage } from "../image/base-image.ts";
import type { Kubefile } from "../kubefile/instruction.ts";
import type { Platform } from "../oci/descriptor.ts";
import type { Reference } from "../oci/reference.ts";
import { imageReference } from "./image-reference.ts";
import type { StageResult } from "./inherited.ts";
import { bringsNetwork } from "./own-network.ts";
import type { DeclaredApp, PlannedLaunch } from "./planned-launch.ts";
import { createScope, type Scope, undeclaredBuildArgs } from "./scope.ts";
import type { PlannedStage } from "./stage.ts";
import { neededStages } from "./stage-graph.ts";
import { planStage } from "./stage-plan.ts";

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
  /** The image that the result is made from, be it through other stages. */
  readonly base?: BaseImage;
  /** True when the launch brings its own pod network. */
  readonly bringsNetwork: boolean;
  /** Build arguments that no ARG declares. */
  readonly unusedBuildArgs: readonly string[];
}

export interface PlanOptions {
  readonly buildArgs: ReadonlyMap<string, string>;
  readonly platform: Platform;
  /** Where images are looked for whose names have no registry. */
  readonly baseRegistry?: string | undefined;
}

/**
 * The images that FROM names in the stages that will be built; a plan needs to know what they bring.
 *
 * @throws KubefileError REFERENCE_INVALID, with its place
 */
export function baseImagesOf(
  kubefile: Kubefile,
  options: PlanOptions,
): readonly { readonly reference: Reference; readonly where: Location }[] {
  const needed = neededStages(kubefile.stages, globalScope(kubefile, options).expand);
  return needed.flatMap(({ stage, image, base }) => {
    if (base !== undefined || image === "scratch") return [];
    const { line, column } = stage.from.image.span.start;
    const where = { file: kubefile.file, line, column };
    return [{ reference: imageReference(image, options.baseRegistry, where), where }];
  });
}

/**
 * Turns a Kubefile without errors into a plan.
 *
 * @param bases what baseImagesOf names, by its full form
 * @throws KubefileError UNSUPPORTED for an APP source that is a URL; KUBEFILE_INVALID for applications that neither the
 * Kubefile nor its base has
 */
export function planBuild(
  kubefile: Kubefile,
  options: PlanOptions & { readonly bases?: ReadonlyMap<string, BaseImage> },
): Plan {
  const { file, stages } = kubefile;
  const { baseRegistry, bases = new Map<string, BaseImage>() } = options;
  const scope = globalScope(kubefile, options);
  const needed = neededStages(stages, scope.expand);
  const results: StageResult[] = [];
  for (const stage of needed) {
    results.push(planStage(stage, { file, stages, needed, results, scope, baseRegistry, bases }));
  }
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

/** The variables before the first FROM. */
function globalScope({ instructions }: Kubefile, { buildArgs, platform }: PlanOptions): Scope {
  const scope = createScope(buildArgs, platform);
  for (const instruction of instructions) {
    if (instruction.kind === "FROM") break;
    if (instruction.kind === "ARG") scope.declareArg(instruction);
  }
  return scope;
}

function declaredArgs({ instructions }: Kubefile): ReadonlySet<string> {
  return new Set(
    instructions.flatMap((instruction) =>
      instruction.kind === "ARG" ? instruction.arguments.map(({ name }) => name.text) : [],
    ),
  );
}
