import { KubefileError } from "../error.ts";
import type { RootfsLayer } from "../image/assemble.ts";
import { detectAppType } from "../kubefile/app-type.ts";
import type { IgnoreRules } from "../kubefile/ignore-file.ts";
import { formatReference } from "../oci/reference.ts";
import type { AppContent } from "../plan/launch.ts";
import type { Plan } from "../plan/plan.ts";
import type { DeclaredApp } from "../plan/planned-launch.ts";
import type { PlannedStage, StageBase } from "../plan/stage.ts";
import type { ResolvedInput, Step } from "../plan/step.ts";
import { atLocation } from "../rootfs/problems.ts";
import type { SourceTree } from "../rootfs/source-tree.ts";
import { applyStoredLayer } from "../rootfs/stored-layer.ts";
import { createWorkspace, type RootfsWorkspace } from "../rootfs/workspace.ts";
import type { Store } from "../store/types.ts";
import { copyStep } from "./copy-step.ts";
import type { ImageSources } from "./image-sources.ts";
import type { Phase } from "./progress.ts";
import { type RunPlace, runStep } from "./run-step.ts";
import { resolveInputs } from "./step-inputs.ts";
import type { WebSources } from "./web-sources.ts";

export interface RootfsBuildOptions {
  readonly plan: Plan;
  /** Of the result; other stages get workspaces of their own. */
  readonly workspace: RootfsWorkspace;
  readonly store: Store;
  readonly context: string;
  readonly ignore: IgnoreRules;
  readonly images: ImageSources;
  readonly web: WebSources;
  readonly run: RunPlace;
  /** Absolute path of a directory for files that only the run needs. */
  readonly directory: string;
  readonly phase: Phase;
  readonly signal: AbortSignal;
}

/** A stage whose steps have been executed. */
interface BuiltStage {
  readonly workspace: RootfsWorkspace;
  /** Those of its base first. */
  readonly layers: readonly RootfsLayer[];
}

/** Builds the stages in their order; each step that changes a rootfs becomes a layer. Returns those of the result. */
export async function buildRootfs(options: RootfsBuildOptions): Promise<readonly RootfsLayer[]> {
  const { stages } = options.plan;
  const progress = countSteps(options);
  const built: BuiltStage[] = [];
  try {
    for (const [position, stage] of stages.entries()) {
      const isResult = position === stages.length - 1;
      const workspace = isResult ? options.workspace : await createWorkspace(options.directory);
      const layers: RootfsLayer[] = [];
      built.push({ workspace, layers });
      layers.push(...(await startStage(stage, workspace, built, options)));
      for (const step of stage.steps) {
        progress(step);
        const inputs = await resolveInputs(step, options);
        await executeStep(step, inputs, { workspace, built, options });
        const layer = await commit(workspace, options);
        if (layer !== undefined) layers.push(layer);
      }
    }
    return built.at(-1)?.layers ?? [];
  } finally {
    for (const { workspace } of built) if (workspace !== options.workspace) await workspace[Symbol.asyncDispose]();
  }
}

/** What the finished rootfs holds of each application. */
export function appContents(apps: readonly DeclaredApp[], workspace: RootfsWorkspace): Map<string, AppContent> {
  const paths = [...workspace.tree].filter(([, entry]) => entry.type !== "directory").map(([path]) => path);
  return new Map(
    apps.map((app) => {
      const files = paths
        .filter((path) => path.startsWith(`${app.directory}/`))
        .map((path) => path.slice(app.directory.length + 1));
      return [app.name, { type: detectAppType(files), files: files.sort() }];
    }),
  );
}

/** Puts what FROM names into the empty workspace of a stage, and returns its layers: they are the stage's first. */
async function startStage(
  stage: PlannedStage,
  workspace: RootfsWorkspace,
  built: readonly BuiltStage[],
  options: RootfsBuildOptions,
): Promise<readonly RootfsLayer[]> {
  const { store, signal } = options;
  if (stage.base.kind === "scratch") return [];
  try {
    const layers = await baseLayers(stage.base, built, options);
    for (const layer of layers) await applyStoredLayer(workspace.root, layer, store, { signal });
    await workspace.adopt({ signal });
    return layers;
  } catch (error) {
    throw atLocation(aboutBase(error), stage.where);
  }
}

async function baseLayers(
  base: Exclude<StageBase, { kind: "scratch" }>,
  built: readonly BuiltStage[],
  { images, phase, signal }: RootfsBuildOptions,
): Promise<readonly RootfsLayer[]> {
  if (base.kind === "stage") return built[base.stage]?.layers ?? [];
  const { image } = base;
  phase.update(`layers of ${formatReference(image.reference)}`);
  await images.fetchLayers(image, { signal });
  return image.layers;
}

/** A base's layers become the result's as they are, so what no rootfs may hold cannot be mended. */
function aboutBase(error: unknown): unknown {
  if (!(error instanceof KubefileError) || error.code !== "UNSAFE_ARCHIVE") return error;
  return new KubefileError(error.code, error.message, {
    hint: "start with FROM scratch, and take the files that are wanted with COPY --from=IMAGE",
    cause: error,
  });
}

interface StepWork {
  readonly workspace: RootfsWorkspace;
  readonly built: readonly BuiltStage[];
  readonly options: RootfsBuildOptions;
}

/** Changes the workspace as a step says; `inputs` are what its sources stand for. */
async function executeStep(
  step: Step,
  inputs: readonly ResolvedInput[],
  { workspace, built, options }: StepWork,
): Promise<void> {
  const { context, ignore, images, web, directory, signal, phase } = options;
  switch (step.kind) {
    case "copy": {
      const stageTree = async (position: number): Promise<SourceTree> => {
        const root = built[position]?.workspace.root ?? "";
        return { root, name: `rootfs of ${options.plan.stages[position]?.title ?? ""}` };
      };
      return copyStep(step, inputs, { workspace, context, ignore, stageTree, images, web, directory, signal });
    }
    case "run":
      return runStep(step, { workspace, place: options.run, phase, signal });
    default:
      step satisfies never;
  }
}

function commit(workspace: RootfsWorkspace, options: RootfsBuildOptions): Promise<RootfsLayer | undefined> {
  const { store, signal } = options;
  return workspace.commit(store, { signal });
}

/** Shows each step with its number among all. */
function countSteps({ plan, phase }: RootfsBuildOptions): (step: Step) => void {
  const total = plan.stages.reduce((sum, { steps }) => sum + steps.length, 0);
  let done = 0;
  return (step) => {
    done += 1;
    phase.update(`[${done}/${total}] ${step.shown}`);
  };
}
