import { setTimeout as sleep } from "node:timers/promises";
import { KubefileError } from "../error.ts";
import type { Digest } from "../oci/digest.ts";
import { formatRepository, type Repository } from "../oci/reference.ts";
import { RegistryError } from "../registry/errors.ts";
import type { RegistryClient } from "../registry/types.ts";
import type { Store } from "../store/types.ts";
import {
  type BlobProvider,
  type BlobTransfer,
  createBlobTransfer,
  type PushProgress,
  type TransferAmounts,
} from "./blob-transfer.ts";
import type { ClusterImage } from "./cluster-image.ts";
import { findMountSources } from "./mount-sources.ts";
import { inProfile } from "./other-profile.ts";
import { forEachParallel } from "./parallel.ts";
import { isPassing } from "./passing-refusal.ts";
import { rememberPlace } from "./places.ts";
import type { ProfileName } from "./profiles.ts";
import { registryFailure } from "./registry-failure.ts";
import { vouchedBlobs } from "./vouched-blobs.ts";

export interface PushOptions {
  readonly client: RegistryClient;
  readonly store: Store;
  /** Layers and configs that the store lacks come from there, if the registry turns out to need them. */
  readonly provider?: BlobProvider | undefined;
  readonly image: ClusterImage;
  readonly repository: Repository;
  /** Moved last, when everything beneath them is there. */
  readonly tags: readonly string[];
  /** Repositories that may hold blobs already, beside those that are known from the image and the store. */
  readonly mountFrom?: readonly Repository[];
  /** Uploads at a time; 4 when absent. */
  readonly parallel?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: PushProgress) => void;
}

export interface PushResult extends TransferAmounts {
  /** Of the manifest in the registry. */
  readonly digest: Digest;
  /** The form the registry took; its digest differs from the local image's when that is of another profile. */
  readonly image: ClusterImage;
  readonly profile: ProfileName;
}

/** How long a registry gets to notice blobs it has just taken (some answer from a replica). */
const NOTICE_MILLISECONDS = 1_000;

/**
 * Sends a cluster image: blobs that are not there, then the manifest by digest, then the tags, so that a tag never
 * points at something incomplete. A registry that refuses our media types gets the standard profile.
 *
 * @throws KubefileError REGISTRY with the registry's own words
 */
export async function pushClusterImage(options: PushOptions): Promise<PushResult> {
  try {
    return await push(options);
  } catch (error) {
    throw registryFailure("push", options.repository.host, error);
  }
}

async function push(options: PushOptions): Promise<PushResult> {
  const { image, repository, store, provider, tags, signal } = options;
  const mountSources = await findMountSources({
    ...{ store, image, target: repository, others: options.mountFrom ?? [] },
    holders: provider?.holders,
  });
  const transfer = createBlobTransfer({ ...options, mountSources, parallel: options.parallel ?? 4 });
  const vouched = await vouchedBlobs(options, image);
  await transfer.send(image, vouched.blobs);
  let sent = image;
  try {
    if (!vouched.isThere) await sendManifest(options, image, image.digest, transfer);
  } catch (error) {
    if (image.profile !== "native" || !refusesTypes(error)) throw error;
    sent = await inProfile(store, image, "standard");
    await transfer.send(sent, vouched.blobs);
    // The standard form was worth a try; when it fails too, types were not the reason.
    await sendManifest(options, sent, sent.digest, transfer).catch((second: unknown) =>
      Promise.reject(refusesTypes(second) ? error : second),
    );
  }
  for (const tag of tags) await sendManifest(options, sent, tag, transfer);
  await confirm(options, sent, transfer);
  await rememberPlace(store.directory, { repository, digest: sent.digest }, signal);
  return { digest: sent.digest, image: sent, profile: sent.profile, ...transfer.amounts(sent) };
}

/** A registry that misses a blob after all, or finds it half written by another push, gets it once more. */
async function sendManifest(
  { client, repository, signal }: PushOptions,
  image: ClusterImage,
  reference: string,
  transfer: BlobTransfer,
): Promise<void> {
  const put = (): Promise<void> =>
    client.pushManifest(repository, reference, image.descriptor.mediaType, image.bytes, { signal });
  try {
    await put();
  } catch (error) {
    if (!isPassing(error)) throw error;
    await sleep(NOTICE_MILLISECONDS, undefined, { signal });
    transfer.doubt();
    await transfer.send(image, new Set());
    await put();
  }
}

/** Names are asked for, and blobs that were not sent, unless a manifest that was there before the push lists them. */
async function confirm(options: PushOptions, image: ClusterImage, transfer: BlobTransfer): Promise<void> {
  const { client, repository, tags, parallel = 4, signal } = options;
  const lost: string[] = [];
  await forEachParallel([image.digest, ...tags], parallel, signal, async (reference, signal) => {
    const found = await client.resolve(repository, reference, { signal });
    if (found.digest !== image.digest) lost.push(`${reference} is ${found.digest}`);
  });
  await forEachParallel(transfer.unlisted(image), parallel, signal, async ({ digest, size }, signal) => {
    const found = await client.hasBlob(repository, digest, { signal });
    if (found?.size !== size)
      lost.push(`blob ${digest} ${found === undefined ? "is gone" : `has ${found.size} bytes`}`);
  });
  if (lost.length === 0) return;
  const shown = lost.sort().slice(0, 10).join("\n  ");
  throw new KubefileError("REGISTRY", `${formatRepository(repository)} does not hold what was pushed:\n  ${shown}`, {
    hint: "somebody else may be pushing the same tag, or the registry collects garbage: push again",
  });
}

/** Registries have many ways to say that they do not know a media type; none of these codes means anything else here. */
export function refusesTypes(error: unknown): boolean {
  return (
    error instanceof RegistryError &&
    [400, 404, 415, 422].includes(error.status) &&
    ["MANIFEST_INVALID", "MANIFEST_UNKNOWN", "UNSUPPORTED", "UNKNOWN"].includes(error.code)
  );
}
