import type { ImageEntry } from "./image-entries.ts";
import { type ImageObservation, subjectOf } from "./observation.ts";

/**
 * Says of an image that no node got why the launch is whole without it; undefined when something may need it yet.
 *
 * Either all that named it has been given another, as by a `kubectl set image` that replaces what a manifest has in the
 * image's place. Or only templates name it and each pod of theirs got another one, as from a mutating webhook: Istio's
 * gateways have the image `auto`, which stands for none.
 *
 * @param observations all of the launch
 */
export function whyUnneeded(entry: ImageEntry, observations: readonly ImageObservation[]): string | undefined {
  if (entry.observations.length === 0 || entry.listed || entry.inheritedFrom !== undefined) return undefined;
  if (entry.pull?.digest !== undefined) return undefined;
  const reasons = entry.observations.map((seen) => reasonOf(seen, observations));
  if (reasons.includes(undefined)) return undefined;
  // What goes on tells more than what was replaced.
  const [first] = entry.observations.toSorted((one, other) => (rankOf(one) < rankOf(other) ? -1 : 1));
  return first === undefined ? undefined : reasonOf(first, observations);
}

function reasonOf(seen: ImageObservation, observations: readonly ImageObservation[]): string | undefined {
  if (seen.isReplaced) return `${subjectOf(seen)} named ${seen.image} until it was replaced`;
  const replacement = replacementOf(seen, observations);
  if (replacement === undefined) return undefined;
  return `${subjectOf(seen)} names ${seen.image}, and its pods have ${replacement} in its place`;
}

/** The image that pods of a template have where the template names another; undefined when one has the template's own. */
export function replacementOf(
  template: ImageObservation,
  observations: readonly ImageObservation[],
): string | undefined {
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

function rankOf(seen: ImageObservation): string {
  return `${seen.isReplaced ? 1 : 0} ${subjectOf(seen)}`;
}
