import type { Digest } from "../oci/digest.ts";
import { formatRepository, parseReference } from "../oci/reference.ts";
import type { ImageBlobs } from "./blob-graph.ts";
import type { DiffInput } from "./diff.ts";
import type { ImageChanges, LayerChanges, SizedBlob, SizedImage } from "./diff-types.ts";

/**
 * Compares captured images by name. Of what is left, the only image of a repository on either side has moved to another
 * tag; where there are more, nobody can tell which became which.
 */
export function diffCapturedImages(from: DiffInput, to: DiffInput): ImageChanges {
  const before = new Map(from.walked.map((image) => [image.reference, image]));
  const after = new Map(to.walked.map((image) => [image.reference, image]));
  const shared = to.walked.filter(({ reference }) => before.has(reference));
  const pairs = shared.flatMap((image) => {
    const old = before.get(image.reference);
    return old === undefined || old.digest === image.digest ? [] : [{ from: old, to: image }];
  });
  const gone = from.walked.filter(({ reference }) => !after.has(reference));
  const come = to.walked.filter(({ reference }) => !before.has(reference));
  const renamed = onlyPairs(gone, come);
  const paired = new Set(renamed.flatMap((pair) => [pair.from, pair.to]));
  return {
    added: come.filter((image) => !paired.has(image)).map(sized),
    removed: gone.filter((image) => !paired.has(image)).map(sized),
    moved: [...pairs, ...renamed]
      .sort((one, other) => (one.to.reference < other.to.reference ? -1 : 1))
      .map((pair) => ({
        from: sized(pair.from),
        to: sized(pair.to),
        layers: diffLayers(layersOf(pair.from), layersOf(pair.to)),
      })),
    unchanged: shared.length - pairs.length,
  };
}

/** In the order of the layers on either side. */
export function diffLayers(from: readonly SizedBlob[], to: readonly SizedBlob[]): LayerChanges {
  const before = uniqueBlobs(from);
  const after = uniqueBlobs(to);
  return {
    kept: [...after.keys()].filter((digest) => before.has(digest)).length,
    added: [...after.values()].filter(({ digest }) => !before.has(digest)),
    removed: [...before.values()].filter(({ digest }) => !after.has(digest)),
  };
}

function onlyPairs(gone: readonly ImageBlobs[], come: readonly ImageBlobs[]): { from: ImageBlobs; to: ImageBlobs }[] {
  const [before, after] = [gone, come].map(byRepository);
  return [...(after ?? [])].flatMap(([repository, images]) => {
    const [to, ...others] = images;
    const [from, ...otherOld] = before?.get(repository) ?? [];
    const isOnly = others.length === 0 && otherOld.length === 0;
    return isOnly && from !== undefined && to !== undefined ? [{ from, to }] : [];
  });
}

function byRepository(images: readonly ImageBlobs[]): Map<string, ImageBlobs[]> {
  const groups = new Map<string, ImageBlobs[]>();
  for (const image of images) {
    const repository = formatRepository(parseReference(image.reference));
    groups.set(repository, [...(groups.get(repository) ?? []), image]);
  }
  return groups;
}

/** With everything it consists of. */
function sized({ reference, digest, blobs }: ImageBlobs): SizedImage {
  return { reference, digest, size: [...uniqueBlobs(blobs).values()].reduce((sum, { size }) => sum + size, 0) };
}

function layersOf({ blobs }: ImageBlobs): readonly SizedBlob[] {
  return blobs.filter(({ role }) => role === "layer");
}

function uniqueBlobs(blobs: readonly SizedBlob[]): Map<Digest, SizedBlob> {
  return new Map(blobs.map(({ digest, size }) => [digest, { digest, size }]));
}
