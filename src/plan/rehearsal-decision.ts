import type { LaunchRecord } from "../cache/types.ts";
import type { Digest } from "../oci/digest.ts";
import { parseReference } from "../oci/reference.ts";
import { inShort } from "./in-short.ts";

/**
 * What a tag that has moved since the rehearsal means: rehearse again (`changed`), rehearse whatever tags say
 * (`always`), or trust the record without asking (`never`).
 */
export const pullPolicies = ["always", "changed", "never"] as const;
export type PullPolicy = (typeof pullPolicies)[number];

/** What a reference stands for now, or why that cannot be told: `cannot be asked for: denied`. */
export type ReferenceState = { readonly digest: Digest } | { readonly problem: string };

export interface RehearsalQuestion {
  readonly record: Pick<LaunchRecord, "images">;
  readonly pull: PullPolicy;
  /** By full reference: what the registries say, or for what a lock names the lock. */
  readonly states: ReadonlyMap<string, ReferenceState>;
  /** Of the record's blobs, those that can be had nowhere, in words. */
  readonly lost: readonly string[];
}

export type RehearsalDecision = { readonly use: true } | { readonly use: false; readonly reason: string };

/**
 * The captured references whose state decides whether a rehearsal still holds. One by digest stands for itself, and a
 * name that was built in this run is in the key already.
 *
 * @param built full references
 */
export function referencesToAsk(
  record: Pick<LaunchRecord, "images">,
  pull: PullPolicy,
  built: ReadonlySet<string> = new Set(),
): readonly string[] {
  if (pull === "never") return [];
  return record.images
    .filter(({ reference }) => parseReference(reference).digest === undefined && !built.has(reference))
    .map(({ reference }) => reference);
}

/** Whether a rehearsal of the same inputs can stand for a new one; if not, what to tell the user. */
export function decideRehearsal({ record, pull, states, lost }: RehearsalQuestion): RehearsalDecision {
  if (pull === "always") return { use: false, reason: "--pull always" };
  const changes = record.images.flatMap(({ reference, digest }) => {
    const state = states.get(reference);
    if (state === undefined) return [];
    if ("problem" in state) return [`${reference} ${state.problem}`];
    return state.digest === digest ? [] : [`${reference} moved from ${digest} to ${state.digest}`];
  });
  const reason = inShort(changes) ?? inShort(lost);
  return reason === undefined ? { use: true } : { use: false, reason };
}

/** Whether every state is known: only then can a rehearsal be kept under them. */
export function knownDigests(states: ReadonlyMap<string, ReferenceState>): ReadonlyMap<string, Digest> | undefined {
  const digests = new Map<string, Digest>();
  for (const [reference, state] of states) {
    if (!("digest" in state)) return undefined;
    digests.set(reference, state.digest);
  }
  return digests;
}
