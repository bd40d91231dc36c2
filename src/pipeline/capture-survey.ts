import type { CapturedImage } from "../capture/types.ts";
import { type ImageBlobs, walkImages } from "../image/blob-graph.ts";
import type { Platform } from "../oci/descriptor.ts";
import { parseReference, type Repository } from "../oci/reference.ts";
import type { Store } from "../store/types.ts";
import type { BlobSupply } from "./blob-supply.ts";

export interface SurveyOptions {
  readonly store: Store;
  readonly supply: BlobSupply;
  readonly platform: Platform;
  readonly signal: AbortSignal;
}

/** An index, the manifest below it, and room for indexes in indexes. */
const MAX_ROUNDS = 10;

/**
 * Looks where all is that captured images consist of. Manifests are brought into the store, since they say what else
 * there is; layers and configs stay where they are.
 *
 * @returns what can be had nowhere, in words
 */
export async function surveyImages(
  images: readonly CapturedImage[],
  options: SurveyOptions,
): Promise<readonly string[]> {
  const walked = await walkWithManifests(images, options);
  const problems = walked.flatMap(({ reference, problems: own }) => own.map(({ text }) => `${reference}: ${text}`));
  return problems.length > 0 ? problems : lostContents(walked, options);
}

/** Walks the images again and again, each time with the manifests that the last walk missed. */
async function walkWithManifests(
  images: readonly CapturedImage[],
  { store, supply, platform, signal }: SurveyOptions,
): Promise<readonly ImageBlobs[]> {
  const repositories = new Map(images.map(({ reference }) => [reference, repositoryOf(reference)]));
  let missing = -1;
  for (let round = 0; ; round += 1) {
    const walked = await walkImages(store, images, platform, signal);
    const wanted = walked.flatMap(({ reference, problems }) =>
      problems
        .filter(({ reason }) => reason !== "invalid")
        .map(({ digest, reason }) => ({ reference, digest, reason })),
    );
    if (wanted.length === 0 || round === MAX_ROUNDS || missing === wanted.length) return walked;
    const fetched = await Promise.all(
      wanted.map(({ reference, digest, reason }) =>
        supply.provideManifest(digest, repositories.get(reference), { signal, again: reason === "corrupt" }),
      ),
    );
    missing = fetched.every((isHere) => !isHere) ? wanted.length : -1;
  }
}

async function lostContents(
  images: readonly ImageBlobs[],
  { store, supply, signal }: SurveyOptions,
): Promise<readonly string[]> {
  const looks = images.flatMap(({ reference, blobs }) => {
    const repository = repositoryOf(reference);
    return blobs.map(async ({ role, digest, size }): Promise<string[]> => {
      if (role === "index" || role === "manifest") return [];
      // Whoever needs the blob of no bytes can make it.
      if (size === 0) await store.write(Buffer.alloc(0), { expected: digest, signal });
      supply.addUpstream(digest, repository);
      const place = await supply.find({ digest, size }, { signal });
      return place === undefined ? [`the ${role} ${digest} of ${reference} can be had nowhere`] : [];
    });
  });
  return (await Promise.all(looks)).flat();
}

function repositoryOf(reference: string): Repository {
  const { host, path } = parseReference(reference);
  return { host, path };
}
