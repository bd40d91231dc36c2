import type { ImageEntry } from "./image-entries.ts";
import type { ImageObservation } from "./observation.ts";
import { formatObject } from "./owners.ts";
import { containerText } from "./pod-spec.ts";

/**
 * Says of an image that only templates name that each pod of theirs got another one in its place, as a mutating webhook
 * does: Istio's gateways have the image `auto`, which stands for none. Undefined when something may need the image
 * itself.
 *
 * @param observations all of the launch
 */
export function replacedInPods(entry: ImageEntry, observations: readonly ImageObservation[]): string | undefined {
  if (entry.observations.length === 0 || entry.listed || entry.inheritedFrom !== undefined) return undefined;
  if (entry.pull?.digest !== undefined) return undefined;
  const replacements = entry.observations.map((seen) => replacementOf(seen, observations));
  if (replacements.includes(undefined)) return undefined;
  const [first] = entry.observations.toSorted((one, other) => (subjectOf(one) < subjectOf(other) ? -1 : 1));
  if (first === undefined) return undefined;
  return `${subjectOf(first)} names ${first.image}, and its pods have ${replacementOf(first, observations)} in its place`;
}

function replacementOf(template: ImageObservation, observations: readonly ImageObservation[]): string | undefined {
  if (template.from !== "template") return undefined;
  const images = observations
    .filter(
      ({ from, role, container, owners }) =>
        from === "pod" &&
        role === template.role &&
        container === template.container &&
        owners.some(({ uid }) => uid === template.object.uid),
    )
    .map(({ image }) => image);
  return images.includes(template.image) ? undefined : images.toSorted()[0];
}

function subjectOf(seen: ImageObservation): string {
  return `${formatObject(seen.object)} ${containerText(seen)}`;
}
