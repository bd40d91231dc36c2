import { type ImageObservation, subjectOf } from "./observation.ts";
import { replacementOf } from "./unneeded-images.ts";

/**
 * Says which templates name something that no node can ever pull, since it is no image reference. The API server takes
 * any text for an image: where no pod was made yet, as of a CronJob, nothing else tells.
 */
export function malformedImages(observations: readonly ImageObservation[]): readonly string[] {
  const texts = observations
    .filter((seen) => seen.reference === undefined && seen.from === "template" && !seen.isReplaced)
    .filter((seen) => replacementOf(seen, observations) === undefined)
    // What a workload makes repeats its words.
    .filter(({ owners, image }) => !observations.some((other) => other.image === image && isOwner(other, owners)))
    .map((seen) => {
      const image = JSON.stringify(seen.image);
      return `${subjectOf(seen)} names ${image}, which is no image reference: no node can pull it`;
    });
  return [...new Set(texts)];
}

function isOwner({ object }: ImageObservation, owners: ImageObservation["owners"]): boolean {
  return owners.some(({ uid }) => uid === object.uid);
}
