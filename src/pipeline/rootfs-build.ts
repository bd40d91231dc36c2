import type { CacheKey } from "../cache/types.ts";
import { KubefileError } from "../error.ts";
import type { IgnoreRules } from "../kubefile/ignore-file.ts";
import { formatReference } from "../oci/reference.ts";
import type { CacheUse } from "../plan/no-cache.ts";
import type { Plan } from "../plan/plan.ts";
import type { PlannedStage } from "../plan/stage.ts";
import type { ResolvedInput, Step } from "../plan/step.ts";
import { resultKey } from "../plan/step-key.ts";
import { stageBaseKey } from "../plan/traced-plan.ts";
import { placeOf, type TracedStep, traceStep } from "../plan/traced-step.ts";
import { atLocation } from "../rootfs/problems.ts";
import type { SourceTree } from "../rootfs/source-tree.ts";
import type { Store } from "../store/types.ts";
import type { BlobSupply } from "./blob-supply.ts";
import { type BuildSecrets, leakCheck } from "./build-secrets.ts";
import { copyStep } from "./copy-step.ts";
import type { GitSources } from "./git-sources.ts";
import type { ImageSources } from "./image-sources.ts";
import type { Phase } from "./progress.ts";
import { type RunPlace, runStep } from "./run-step.ts";
import { createStageTree, type StageTree } from "./stage-tree.ts";
import type { StepInputs } from "./step-inputs.ts";
import type { StepRecords } from "./step-records.ts";
import type { WebSources } from "./web-sources.ts";

export interface RootfsBuildOptions {
  readonly plan: Plan;
  readonly store: Store;
  readonly supply: BlobSupply;
  readonly records: StepRecords;
  readonly use: CacheUse;
  readonly inputs: StepInputs;
  /** `linux/amd64`. */
  readonly platform: string;
  /** Identity of the launch container's image; undefined when it is not known, or when RUN runs on the host. */
  readonly container: string | undefined;
  readonly context: string;
  readonly ignore: IgnoreRules;
  readonly images: ImageSources;
  readonly web: WebSources;
  readonly git: GitSources;
  readonly run: RunPlace;
  readonly secrets: BuildSecrets;
  /** Absolute path of a directory for files that only the run needs. */
  readonly directory: string;
  readonly phase: Phase;
  readonly onStep: (outcome: StepOutcome) => void;
  readonly signal: AbortSignal;
}

/** What became of a step. */
export interface StepOutcome {
  readonly step: Step;
  readonly number: number;
  readonly traced: TracedStep | undefined;
  /** Where its record was, when it had not to be executed. */
  readonly from?: string;
}

/** A stage whose steps are done, be it by their records. */
export interface BuiltStage {
  readonly title: string;
  readonly tree: StageTree;
  readonly key: CacheKey;
}

/**
 * Builds the stages in their order; each step that changes a rootfs becomes a layer. A step that a record tells the
 * layer of is not executed, and its layer is fetched only when a later step or the caller needs the files.
 *
 * @returns the last stage, whose tree is the caller's to dispose of
 * @throws BlobLost when a record's layer was there and then was not
 */
export async function buildRootfs(options: RootfsBuildOptions): Promise<BuiltStage> {
  const { stages } = options.plan;
  const built: BuiltStage[] = [];
  let number = 0;
  try {
    for (const stage of stages) {
      const tree = createStageTree(options);
      let key: CacheKey;
      try {
        key = await startStage(stage, tree, built, options);
      } catch (error) {
        await tree[Symbol.asyncDispose]();
        throw error;
      }
      const position = built.push({ title: stage.title, tree, key }) - 1;
      for (const step of stage.steps) {
        number += 1;
        key = await doStep(step, number, { stage, tree, built, key, options });
      }
      built[position] = { title: stage.title, tree, key };
    }
    const result = built.pop();
    if (result === undefined) throw new Error("a plan has a stage");
    return result;
  } finally {
    for (const { tree } of built) await tree[Symbol.asyncDispose]();
  }
}

/** A base's layers become the result's as they are, so what no rootfs may hold cannot be mended. */
function aboutBase(error: unknown): unknown {
  if (!(error instanceof KubefileError) || error.code !== "UNSAFE_ARCHIVE") return error;
  return new KubefileError(error.code, error.message, {
    hint: "start with FROM scratch, and take the files that are wanted with COPY --from=IMAGE",
    cause: error,
  });
}

interface StageWork {
  readonly stage: PlannedStage;
  readonly tree: StageTree;
  /** The stages before this one. */
  readonly built: readonly BuiltStage[];
  /** Of what the next step stands on. */
  readonly key: CacheKey;
  readonly options: RootfsBuildOptions;
}

/** Puts the layers of what FROM names into the empty tree of a stage, and returns their key. */
async function startStage(
  { base, where }: PlannedStage,
  tree: StageTree,
  built: readonly BuiltStage[],
  { platform, images, phase, signal }: RootfsBuildOptions,
): Promise<CacheKey> {
  if (base.kind === "image") {
    phase.update(`layers of ${formatReference(base.image.reference)}`);
    try {
      await images.fetchLayers(base.image, { signal });
      for (const layer of base.image.layers) tree.add(layer);
      await tree.workspace();
    } catch (error) {
      throw atLocation(aboutBase(error), where);
    }
  }
  const below = base.kind === "stage" ? built[base.stage] : undefined;
  for (const layer of below?.tree.layers ?? []) tree.add(layer);
  return below?.key ?? stageBaseKey(base, { platform });
}

/** Returns the key of what the step has made. */
async function doStep(step: Step, number: number, work: StageWork): Promise<CacheKey> {
  const { stage, tree, built, key, options } = work;
  const { plan, phase, records, use, platform, container } = options;
  const total = plan.stages.reduce((sum, { steps }) => sum + steps.length, 0);
  phase.update(`[${number}/${total}] ${step.shown}`);
  const inputs = await options.inputs.of(step);
  const traced = traceStep(step, inputs, placeOf(stage, stage.steps.indexOf(step), key), {
    platform,
    container,
    stages: built,
  });
  const mayUse = use.uses({ shown: step.shown, number, stage: stage.title });
  const below = tree.chain;
  const known = traced === undefined ? undefined : await records.find(traced.key, below);
  if (mayUse && known?.usable === true) {
    if (known.layer !== undefined) tree.add(known.layer);
    options.onStep({ step, number, traced, from: known.from });
    return traced?.key ?? key;
  }
  options.onStep({ step, number, traced });
  await executeStep(step, inputs, work);
  const layer = await tree.commit(step.kind === "run" ? leakCheck(step, options.secrets, options.signal) : undefined);
  if (traced === undefined) return resultKey(key, layer?.diffId);
  // What changed while it was copied would be kept under the key of what it was before.
  if (await options.inputs.isUnchanged(step)) {
    records.save(traced.key, { shown: step.shown, below, layer }, { replace: known !== undefined });
  }
  return traced.key;
}

/** Changes the tree as a step says; `inputs` are what its sources stand for. */
async function executeStep(
  step: Step,
  inputs: readonly ResolvedInput[],
  { tree, built, options }: StageWork,
): Promise<void> {
  const { context, ignore, images, web, git, directory, signal, phase } = options;
  const workspace = await tree.workspace();
  switch (step.kind) {
    case "copy": {
      const stageTree = async (position: number): Promise<SourceTree> => {
        const stage = built[position];
        const root = (await stage?.tree.workspace())?.root ?? "";
        return { root, name: `rootfs of ${stage?.title ?? ""}` };
      };
      return copyStep(step, inputs, { workspace, context, ignore, stageTree, images, web, git, directory, signal });
    }
    case "run":
      return runStep(step, { workspace, place: options.run, secrets: options.secrets, phase, signal });
    default:
      step satisfies never;
  }
}
