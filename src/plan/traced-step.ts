import type { CacheKey } from "../cache/types.ts";
import type { BaseImage } from "../image/base-image.ts";
import { formatReference } from "../oci/reference.ts";
import { isProxyVariable } from "./scope.ts";
import type { PlannedStage } from "./stage.ts";
import type { ResolvedInput, Step, StepSecret, StepSource } from "./step.ts";
import { type StepInputs, stepKey } from "./step-key.ts";
import { type TrailStep, trailStep } from "./trail.ts";

export interface TraceContext {
  /** `linux/amd64`. */
  readonly platform: string;
  /** Identity of the launch container's image; undefined when it is not known, or when RUN runs on the host. */
  readonly container: string | undefined;
  /** Of each stage, by position: its title, and its key when it is known. */
  readonly stages: readonly { readonly title: string; readonly key: CacheKey | undefined }[];
}

/** A step with its key and what it was made from. */
export interface TracedStep {
  readonly key: CacheKey;
  readonly trail: TrailStep;
}

/** Where a step stands. */
export interface StepPlace {
  /** Title of its stage. */
  readonly stage: string;
  /** The key of what it stands on. */
  readonly previous: CacheKey;
  /** The image that it stands on, when no step is between them. */
  readonly base?: Pick<BaseImage, "reference" | "digest"> | undefined;
}

/** The place of the step at a position of a stage. */
export function placeOf(
  { title, base }: Pick<PlannedStage, "title" | "base">,
  position: number,
  previous: CacheKey,
): StepPlace {
  return { stage: title, previous, ...(position === 0 && base.kind === "image" ? { base: base.image } : {}) };
}

/**
 * The key of a step that stands on `previous`, with sources that stand for `resolved`. Undefined when something that
 * decides its result is not known before it is executed.
 */
export function traceStep(
  step: Step,
  resolved: readonly ResolvedInput[],
  { stage, previous, base }: StepPlace,
  context: TraceContext,
): TracedStep | undefined {
  const sources = step.kind === "copy" ? step.sources : [];
  const reads = resolved.map((input) => identityOf(input, context));
  if (reads.length < sources.length || reads.some((identity) => identity === undefined)) return undefined;
  if (step.kind === "run" && context.container === undefined) return undefined;
  const inputs: StepInputs = {
    previous,
    platform: context.platform,
    instruction: instructionOf(step),
    reads: reads.filter((identity) => identity !== undefined),
    environment: step.kind === "run" ? withoutProxies(step.env) : {},
    ...(step.kind === "run" && context.container !== undefined ? { container: context.container } : {}),
  };
  const files = new Map(resolved.flatMap((input) => (input.kind === "context" ? [...input.entries] : [])));
  const names = sources.map((source) => nameOf(source, context));
  const place = {
    ...{ stage, shown: step.shown },
    ...(base === undefined ? {} : { base: { name: formatReference(base.reference), identity: base.digest } }),
  };
  return { key: stepKey(inputs), trail: trailStep(place, inputs, names, files) };
}

function identityOf(input: ResolvedInput, { stages }: TraceContext): string | undefined {
  return input.kind === "stage" ? stages[input.stage]?.key : input.identity;
}

/** What was asked for, without where it is written, what RUN sees, and how stages are counted. */
function instructionOf(step: Step): Readonly<Record<string, unknown>> {
  if (step.kind === "run") {
    const { where: _where, shown: _shown, env: _env, secrets, ...instruction } = step;
    return secrets === undefined ? instruction : { ...instruction, secrets: secrets.map(withoutPlace) };
  }
  const { where: _where, shown: _shown, sources, ...instruction } = step;
  return { ...instruction, sources: sources.map(withoutPosition) };
}

function withoutPlace({ where: _where, ...secret }: StepSecret): object {
  return secret;
}

function withoutPosition(source: StepSource): object {
  if (source.kind !== "stage") return source;
  const { stage: _stage, ...others } = source;
  return others;
}

/** Proxies decide how a RUN reaches what it fetches, not what that is. */
function withoutProxies(env: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isProxyVariable(name)));
}

function nameOf(source: StepSource, { stages }: TraceContext): string {
  switch (source.kind) {
    case "context":
      return source.paths.join(" ");
    case "stage":
      return stages[source.stage]?.title ?? "";
    case "image":
      return formatReference(source.reference);
    case "url":
      return source.url;
    case "git":
      return `${source.url}#${source.ref ?? "HEAD"}`;
    case "text":
      return source.name;
  }
}
