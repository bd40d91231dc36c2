import { canonicalJson } from "../oci/canonical-json.ts";
import { digestOf, hexOf } from "../oci/digest.ts";
import { type LaunchInputs, launchParts } from "./launch-key.ts";
import type { StepInputs } from "./step-key.ts";

/**
 * What the last build of a Kubefile was made from, for telling what has changed since. Nothing is decided by it. Values
 * that may be secret are not in it, only digests of them.
 */
export interface Trail {
  readonly schemaVersion: 1;
  readonly steps: readonly TrailStep[];
  /** Absent when the build did not come to the launch. */
  readonly launch?: TrailLaunch;
}

export interface TrailStep {
  readonly stage: string;
  /** The instruction as written. */
  readonly shown: string;
  readonly previous: string;
  /** What the FROM above it names, and what that stood for; absent for all but the first step on an image. */
  readonly base?: TrailSource;
  readonly instruction: string;
  /** What each source is called, and what it stood for. */
  readonly reads: readonly TrailSource[];
  /** What a COPY reads of the context, by name; absent where there is too much of it. */
  readonly files?: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
  readonly container?: string;
}

export interface TrailSource {
  /** As people know it. */
  readonly name: string;
  readonly identity: string;
}

/** One digest for each part of what decides a rehearsal; by name where a part is a map. */
export interface TrailLaunch {
  readonly parts: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  /** Digests of what was built for the launch, by name; absent when nothing was. */
  readonly built?: Readonly<Record<string, string>>;
}

/** More than this would make trails large; the context's digest still tells that something changed. */
const MAX_FILES = 20_000;

/**
 * @param place where the step stands, and what on
 * @param names what to call the sources, in their order
 * @param files what lies at each path of the context that the step copies
 */
export function trailStep(
  place: Pick<TrailStep, "stage" | "shown" | "base">,
  { previous, instruction, reads, environment, container }: StepInputs,
  names: readonly string[],
  files: ReadonlyMap<string, string>,
): TrailStep {
  return {
    ...place,
    previous,
    instruction: shortDigest(instruction),
    reads: reads.map((identity, position) => ({ name: names[position] ?? "", identity })),
    ...(files.size === 0 || files.size > MAX_FILES
      ? {}
      : { files: Object.fromEntries([...files].map(([name, entry]) => [name, shortDigest(entry)])) }),
    environment: digests(environment),
    ...(container === undefined ? {} : { container }),
  };
}

export function trailLaunch(inputs: LaunchInputs): TrailLaunch {
  const { env, rehearsal, ...others } = launchParts(inputs);
  const { built } = inputs;
  return {
    ...{ parts: digests({ ...others, ...rehearsal }), env: digests(env) },
    ...(Object.keys(built).length === 0 ? {} : { built }),
  };
}

function digests(values: object): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, shortDigest(value)]));
}

/** Enough to tell values apart, and a third of the room. */
function shortDigest(value: unknown): string {
  return hexOf(digestOf(canonicalJson(value))).slice(0, 20);
}
