import type { IgnoreRules } from "../kubefile/ignore-file.ts";
import { digestOf } from "../oci/digest.ts";
import type { CopyStep, ResolvedInput, Step, StepSource } from "../plan/step.ts";
import type { HashedFile } from "../rootfs/hash-files.ts";
import { atLocation } from "../rootfs/problems.ts";
import { digestOfSources } from "../rootfs/source-digest.ts";
import type { GitSources } from "./git-sources.ts";
import type { ImageSources } from "./image-sources.ts";
import type { WebSources } from "./web-sources.ts";

export interface InputContext {
  /** Absolute path of the build context. */
  readonly context: string;
  readonly ignore: IgnoreRules;
  /** Files of the context that were read for other steps, by path; what is read is added. */
  readonly hashed?: Map<string, HashedFile>;
  readonly images: ImageSources;
  readonly web: WebSources;
  readonly git: GitSources;
  readonly signal: AbortSignal;
}

/** What the sources of steps stand for, found out once, at the beginning. */
export interface StepInputs {
  of(step: Step): Promise<readonly ResolvedInput[]>;
  /** Whether the files of the context that a step copies are still what they were. */
  isUnchanged(step: Step): Promise<boolean>;
}

export function stepInputs(context: InputContext): StepInputs {
  const known = new Map<Step, Promise<readonly ResolvedInput[]>>();
  const hashed = new Map<string, HashedFile>();
  const of = (step: Step): Promise<readonly ResolvedInput[]> => {
    const inputs = known.get(step) ?? resolveInputs(step, { ...context, hashed });
    known.set(step, inputs);
    return inputs;
  };
  return {
    of,
    async isUnchanged(step) {
      const before = await of(step);
      if (step.kind === "run" || !before.some(({ kind }) => kind === "context")) return true;
      const sources = step.sources.filter(({ kind }) => kind === "context");
      const now = await resolveInputs({ ...step, sources }, context);
      const digests = (inputs: readonly ResolvedInput[]): string =>
        inputs.flatMap((input) => (input.kind === "context" ? [input.identity] : [])).join();
      return digests(now) === digests(before);
    },
  };
}

/**
 * What the sources of a step stand for at this moment, one each in the order of `step.sources`; RUN has none. Nothing
 * is downloaded where a registry's or server's answer to less tells enough.
 *
 * @throws KubefileError what copyIntoRootfs would throw for a source of the context that is not there
 */
export async function resolveInputs(step: Step, context: InputContext): Promise<readonly ResolvedInput[]> {
  if (step.kind === "run") return [];
  const inputs: ResolvedInput[] = [];
  for (const source of step.sources) {
    try {
      inputs.push(await resolveInput(source, step, context));
    } catch (error) {
      throw atLocation(error, step.where);
    }
  }
  return inputs;
}

async function resolveInput(
  source: StepSource,
  step: CopyStep,
  { context, ignore, images, web, git, hashed, signal }: InputContext,
): Promise<ResolvedInput> {
  switch (source.kind) {
    case "context": {
      const tree = { root: context, name: "context", ignore };
      const { digest, entries } = await digestOfSources({
        ...{ tree, paths: source.paths, chmod: step.chmod, exclude: step.exclude, signal },
        ...(hashed === undefined ? {} : { hashed }),
      });
      return { kind: "context", identity: digest, entries };
    }
    case "text":
      return { kind: "text", identity: digestOf(source.text) };
    case "stage":
      return { kind: "stage", stage: source.stage };
    case "image": {
      const digest = await images.digest(source.reference);
      return { kind: "image", identity: digest, digest };
    }
    case "url":
      return { kind: "url", ...(await web.resolve(source, { signal })) };
    case "git": {
      const commit = await git.resolve(source, { signal });
      return { kind: "git", identity: `commit ${commit}`, commit };
    }
    default:
      return source satisfies never;
  }
}
