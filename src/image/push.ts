import { setTimeout as sleep } from "node:timers/promises";
import { KubefileError } from "../error.ts";
import type { Digest } from "../oci/digest.ts";
import { formatRepository, type Repository } from "../oci/reference.ts";
import { RegistryError } from "../registry/errors.ts";
import type { RegistryClient } from "../registry/types.ts";
import type { Store } from "../store/types.ts";
import { type ClusterImage, uploadsOf } from "./cluster-image.ts";
import { inProfile } from "./other-profile.ts";
import { forEachParallel } from "./parallel.ts";
import type { ProfileName } from "./profiles.ts";
import { registryFailure } from "./registry-failure.ts";

export interface PushOptions {
  readonly client: RegistryClient;
  readonly store: Store;
  readonly image: ClusterImage;
  readonly repository: Repository;
  /** Moved last, when everything beneath them is there. */
  readonly tags: readonly string[];
  /** Paths of repositories in the same registry that may hold blobs already. */
  readonly mountFrom?: readonly string[];
  /** Uploads at a time; 4 when absent. */
  readonly parallel?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: PushProgress) => void;
}

export interface PushProgress {
  /** Blobs dealt with, of all. */
  readonly blobs: number;
  readonly totalBlobs: number;
  /** Bytes sent so far; less than before when an upload had to begin again. */
  readonly uploadedBytes: number;
}

interface Amount {
  readonly blobs: number;
  readonly bytes: number;
}

export interface PushResult {
  /** Of the manifest in the registry. */
  readonly digest: Digest;
  /** The form the registry took; its digest differs from the local image's when that is of another profile. */
  readonly image: ClusterImage;
  readonly profile: ProfileName;
  readonly uploaded: Amount;
  readonly existing: Amount;
  readonly mounted: Amount;
}

type Outcome = "exists" | "mounted" | "uploaded";

/** How long a registry gets to notice blobs it has just taken (some answer from a replica). */
const NOTICE_MILLISECONDS = 1_000;

/**
 * Sends a cluster image: blobs that are not there, then the manifest by digest, then the tags, so that a tag never
 * points at something incomplete. A registry that refuses our media types gets the standard profile.
 *
 * @throws KubefileError REGISTRY with the registry's own words
 */
export async function pushClusterImage(options: PushOptions): Promise<PushResult> {
  const { client, repository, image, store, tags, signal } = options;
  const outcomes = new Map<Digest, Outcome>();
  await sendBlobs(options, image, outcomes);
  let sent = image;
  try {
    await sendManifest(options, image, outcomes);
  } catch (error) {
    if (image.profile !== "native" || !refusesTypes(error)) throw registryFailure("push", repository.host, error);
    sent = await inProfile(store, image, "standard");
    await sendBlobs(options, sent, outcomes);
    try {
      await sendManifest(options, sent, outcomes);
    } catch (second) {
      // The standard form was worth a try; that it failed too says that types were not the reason.
      throw registryFailure("push", repository.host, refusesTypes(second) ? error : second);
    }
  }
  const { mediaType } = sent.descriptor;
  for (const tag of tags) {
    await client
      .pushManifest(repository, tag, mediaType, sent.bytes, { signal })
      .catch((error: unknown) => Promise.reject(registryFailure("push", repository.host, error)));
  }
  await confirm(options, sent, outcomes);
  const amount = (outcome: Outcome): Amount => {
    const blobs = uploadsOf(sent).filter(({ digest }) => outcomes.get(digest) === outcome);
    return { blobs: blobs.length, bytes: blobs.reduce((sum, { size }) => sum + size, 0) };
  };
  return {
    digest: sent.digest,
    image: sent,
    profile: sent.profile,
    uploaded: amount("uploaded"),
    existing: amount("exists"),
    mounted: amount("mounted"),
  };
}

/** Sends what `outcomes` does not know yet. */
async function sendBlobs(options: PushOptions, image: ClusterImage, outcomes: Map<Digest, Outcome>): Promise<void> {
  const { client, store, repository, mountFrom, onProgress } = options;
  const blobs = uploadsOf(image);
  const unsent = blobs.filter(({ digest }) => !outcomes.has(digest));
  const sent = new Map<Digest, number>();
  let uploadedBytes = 0;
  const report = (digest: Digest, bytes: number): void => {
    uploadedBytes += bytes - (sent.get(digest) ?? 0);
    sent.set(digest, bytes);
    onProgress?.({ blobs: outcomes.size, totalBlobs: blobs.length, uploadedBytes });
  };
  await forEachParallel(unsent, options.parallel ?? 4, options.signal, async ({ digest, size }, signal) => {
    const source = {
      digest,
      size,
      open: async (offset: number) => (await store.open(digest, { start: offset, end: size })).stream,
    };
    const onBytes = (bytes: number): void => report(digest, bytes);
    const outcome = await client
      .pushBlob(repository, source, { signal, onProgress: onBytes, ...(mountFrom === undefined ? {} : { mountFrom }) })
      .catch((error: unknown) => Promise.reject(registryFailure("push", repository.host, error)));
    outcomes.set(digest, outcome);
    report(digest, outcome === "uploaded" ? size : 0);
  });
}

/** By digest. A registry that misses a blob after all, as when it collected garbage meanwhile, gets them once more. */
async function sendManifest(options: PushOptions, image: ClusterImage, outcomes: Map<Digest, Outcome>): Promise<void> {
  const { client, repository, signal } = options;
  const put = (): Promise<void> =>
    client.pushManifest(repository, image.digest, image.descriptor.mediaType, image.bytes, { signal });
  try {
    await put();
  } catch (error) {
    if (!missesBlob(error)) throw error;
    await sleep(NOTICE_MILLISECONDS, undefined, { signal });
    const before = new Map(outcomes);
    outcomes.clear();
    await sendBlobs(options, image, outcomes);
    for (const [digest, outcome] of before) {
      if (outcomes.get(digest) === "exists") outcomes.set(digest, outcome);
    }
    await put();
  }
}

/** What was uploaded is confirmed already; what was said to be there, and names, are asked for. */
async function confirm(options: PushOptions, image: ClusterImage, outcomes: Map<Digest, Outcome>): Promise<void> {
  const { client, repository, tags, parallel = 4, signal } = options;
  const lost: string[] = [];
  const unsent = uploadsOf(image).filter(({ digest }) => outcomes.get(digest) !== "uploaded");
  try {
    await forEachParallel([image.digest, ...tags], parallel, signal, async (reference, signal) => {
      const found = await client.resolve(repository, reference, { signal });
      if (found.digest !== image.digest) lost.push(`${reference} is ${found.digest}`);
    });
    await forEachParallel(unsent, parallel, signal, async ({ digest, size }, signal) => {
      const found = await client.hasBlob(repository, digest, { signal });
      if (found?.size !== size)
        lost.push(`blob ${digest} ${found === undefined ? "is gone" : `has ${found.size} bytes`}`);
    });
  } catch (error) {
    throw registryFailure("push", repository.host, error);
  }
  if (lost.length === 0) return;
  const shown = lost.sort().slice(0, 10).join("\n  ");
  throw new KubefileError("REGISTRY", `${formatRepository(repository)} does not hold what was pushed:\n  ${shown}`, {
    hint: "somebody else may be pushing the same tag, or the registry collects garbage: push again",
  });
}

function missesBlob(error: unknown): boolean {
  return error instanceof RegistryError && (error.code === "MANIFEST_BLOB_UNKNOWN" || error.code === "BLOB_UNKNOWN");
}

/** Registries have many ways to say that they do not know a media type; none of these codes means anything else here. */
function refusesTypes(error: unknown): boolean {
  return (
    error instanceof RegistryError &&
    [400, 404, 415, 422].includes(error.status) &&
    ["MANIFEST_INVALID", "MANIFEST_UNKNOWN", "UNSUPPORTED", "UNKNOWN"].includes(error.code)
  );
}
