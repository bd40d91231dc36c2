import type { CacheKey } from "../cache/types.ts";
import type { PlannedStage, StageBase } from "./stage.ts";
import type { ResolvedInput, Step } from "./step.ts";
import { baseKey } from "./step-key.ts";
import { placeOf, type TraceContext, type TracedStep, traceStep } from "./traced-step.ts";

export interface TracedPlan {
  /** Of the last stage's last step; undefined when something that decides it is known only by executing steps. */
  readonly key: CacheKey | undefined;
  /** Of all stages, in order. */
  readonly steps: readonly { readonly step: Step; readonly traced: TracedStep | undefined }[];
}

/** The keys of all steps, worked out before anything is executed. */
export function tracePlan(
  stages: readonly PlannedStage[],
  inputs: ReadonlyMap<Step, readonly ResolvedInput[]>,
  { platform, container }: Omit<TraceContext, "stages">,
): TracedPlan {
  const keyed: { readonly title: string; readonly key: CacheKey | undefined }[] = [];
  const all: TracedPlan["steps"][number][] = [];
  for (const stage of stages) {
    const { title, base, steps } = stage;
    let key = base.kind === "stage" ? keyed[base.stage]?.key : stageBaseKey(base, { platform });
    for (const [position, step] of steps.entries()) {
      const place = key === undefined ? undefined : placeOf(stage, position, key);
      const context = { platform, container, stages: keyed };
      const traced = place === undefined ? undefined : traceStep(step, inputs.get(step) ?? [], place, context);
      all.push({ step, traced });
      key = traced?.key;
    }
    keyed.push({ title, key });
  }
  return { key: keyed.at(-1)?.key, steps: all };
}

/** The key of what a stage begins with, unless that is another stage. */
export function stageBaseKey(base: StageBase, { platform }: { readonly platform: string }): CacheKey {
  return baseKey({ platform, ...(base.kind === "image" ? { image: base.image.digest } : {}) });
}
