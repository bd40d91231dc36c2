import type { Location } from "../error.ts";
import { type ImageObservation, subjectOf } from "./observation.ts";
import type { OperatorAttribution } from "./operators.ts";
import { formatObject, isWorkloadOwner, type ObjectName } from "./owners.ts";
import { containerText } from "./pod-spec.ts";
import type { Reason } from "./types.ts";

export interface ReasonContext {
  /** Whether nodes asked the proxy for the image. */
  readonly pulled: boolean;
  /** Whether the container behind an observation had its image on the node. */
  readonly started: (observation: ImageObservation) => boolean;
  /** By uid of the topmost pod or workload. */
  readonly operators: ReadonlyMap<string, OperatorAttribution>;
  readonly locate?: (observation: ImageObservation) => Location | undefined;
}

/** Why one image is captured, told from all observations of it; the order of observations does not matter. */
export function observedReasons(observations: readonly ImageObservation[], context: ReasonContext): readonly Reason[] {
  const pods = onePodEach(observations, context);
  const templates = observations.filter((seen) => seen.from === "template" && !isCovered(seen, observations));
  return uniqueReasons([
    ...pods.map((seen) => podReason(seen, context)),
    ...templates.map((seen) => reason("observed", templateText(seen), seen, context)),
    ...observations.flatMap((seen) => hookReason(seen, context)),
    ...observations.flatMap((seen) => operatorReasons(seen, context)),
  ]);
}

/** Sorted by source, then text; equal texts once, with their first place. */
export function uniqueReasons(reasons: readonly Reason[]): readonly Reason[] {
  const sorted = reasons.toSorted((one, other) => (sortKey(one) < sortKey(other) ? -1 : 1));
  return sorted.filter(
    (entry, index) => entry.source !== sorted[index - 1]?.source || entry.text !== sorted[index - 1]?.text,
  );
}

/** The pod or workload that no workload owns: what somebody applied, or an operator made. */
export function topmost(observation: ImageObservation): ObjectName {
  return observation.owners.findLast(isWorkloadOwner) ?? observation.object;
}

/** Of many replicas one stands for all: one that started, else any; the first by name. */
function onePodEach(
  observations: readonly ImageObservation[],
  { started }: ReasonContext,
): readonly ImageObservation[] {
  const chosen = new Map<string, ImageObservation>();
  const rank = (seen: ImageObservation): string =>
    [started(seen) ? 0 : 1, formatObject(seen.object), seen.firstSeen.toISOString(), seen.object.uid].join(" ");
  for (const seen of observations) {
    if (seen.from !== "pod") continue;
    const key = `${topmost(seen).uid} ${seen.role} ${seen.container}`;
    const known = chosen.get(key);
    if (known === undefined || rank(seen) < rank(known)) chosen.set(key, seen);
  }
  return [...chosen.values()];
}

/** A template says nothing new when a pod of it, or the workload above it, names the same image. */
function isCovered(template: ImageObservation, observations: readonly ImageObservation[]): boolean {
  return observations.some(
    (other) =>
      other.role === template.role &&
      other.container === template.container &&
      (other.from === "pod"
        ? other.owners.some(({ uid }) => uid === template.object.uid)
        : template.owners.some(({ uid }) => uid === other.object.uid)),
  );
}

function podReason(seen: ImageObservation, context: ReasonContext): Reason {
  const subject = subjectOf(seen);
  // A pod that was gone before its status told of the image has pulled it nevertheless.
  if (context.pulled) return reason("pulled", `pulled by ${subject}`, seen, context);
  const why = context.started(seen) ? "the node held it" : "not started during the rehearsal";
  return reason("observed", `used by ${subject} (${why})`, seen, context);
}

function templateText(seen: ImageObservation): string {
  const idle = seen.idle === undefined ? "" : ` (${seen.idle})`;
  return `pod template of ${subjectOf(seen)}${idle}`;
}

function hookReason(seen: ImageObservation, context: ReasonContext): readonly Reason[] {
  if (seen.hook === undefined) return [];
  const text = `Helm hook ${seen.hook} ${formatObject(topmost(seen))} ${containerText(seen)}`;
  return [reason("observed", text, seen, context)];
}

function operatorReasons(seen: ImageObservation, context: ReasonContext): readonly Reason[] {
  const attribution = context.operators.get(topmost(seen).uid);
  if (attribution === undefined) return [];
  const names = attribution.operators.map(formatObject);
  const text =
    names.length === 1 ? `created by operator ${names[0]}` : `created by an operator (${names.join(" or ")})`;
  const { owner } = attribution;
  return [
    reason("observed", text, seen, context),
    ...(owner === undefined ? [] : [reason("observed", `created for ${formatObject(owner)}`, seen, context)]),
  ];
}

function reason(source: Reason["source"], text: string, seen: ImageObservation, { locate }: ReasonContext): Reason {
  const where = locate?.(seen);
  return { source, text, ...(where === undefined ? {} : { where }) };
}

function sortKey({ source, text, where }: Reason): string {
  const place = where === undefined ? "" : `${where.file}\0${String(where.line).padStart(8, "0")}`;
  return `${source}\0${text}\0${place}`;
}
