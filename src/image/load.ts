import { KubefileError } from "../error.ts";
import { hostPlatform, type Platform } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { parseManifest } from "../oci/manifest.ts";
import { formatReference, manifestReference, type Reference } from "../oci/reference.ts";
import { RegistryError } from "../registry/errors.ts";
import type { Upstream } from "../registry/types.ts";
import type { BlobFetcher, Store } from "../store/types.ts";
import { imagesByBlob, walkImages } from "./blob-graph.ts";
import type { ClusterImage } from "./cluster-image.ts";
import { forEachParallel } from "./parallel.ts";
import { rememberPlace } from "./places.ts";
import { choosePlatform, requirePlatform } from "./platform-image.ts";
import { readProfile } from "./profiles.ts";
import { checkWhole, readClusterImage } from "./read.ts";
import { registryFailure } from "./registry-failure.ts";

export interface FetchOptions {
  readonly client: Upstream;
  readonly store: Store;
  readonly reference: Reference;
  /** Which to take of an index, and the only one that will do. */
  readonly platform?: Platform | undefined;
  /** Which to take of an index when none was asked for; this machine's when absent. */
  readonly ownPlatform?: Platform;
  /** Blobs at a time; 4 when absent. */
  readonly parallel?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: FetchProgress) => void;
}

export interface FetchProgress {
  readonly blobs: number;
  readonly totalBlobs: number;
  readonly bytes: number;
  readonly totalBytes: number;
}

/**
 * Brings a cluster image into the store, whole: manifest, config, rootfs layers and every captured blob. What the store
 * holds is not fetched again.
 *
 * @throws KubefileError REGISTRY for a registry's refusal, ARTIFACT_INVALID when it is no cluster image or not whole,
 * naming the images that need what is missing
 */
export async function fetchClusterImage(options: FetchOptions): Promise<ClusterImage> {
  const image = await fetchDescription(options);
  await fetchBlobs(options, image, () => true);
  // The blob of no bytes is listed by no cluster image, since registries refuse it.
  await options.store.write(Buffer.alloc(0));
  await checkWhole(options.store, image);
  return image;
}

/** As fetchClusterImage, but without layers: enough to say what a cluster image consists of. */
export async function fetchDescription(options: FetchOptions): Promise<ClusterImage> {
  const { store, signal } = options;
  const image = await fetchHead(options);
  // Manifests come first: they say which image needs a blob that turns out to be missing.
  await fetchBlobs(options, image, ({ role }) => role === "index" || role === "manifest");
  const { host, path } = options.reference;
  await rememberPlace(store.directory, { repository: { host, path }, digest: image.digest }, signal);
  return image;
}

/** As fetchDescription, but manifest and config alone: enough to say what platform and grade a cluster image has. */
export async function fetchHead(options: FetchOptions): Promise<ClusterImage> {
  const { store, reference, signal } = options;
  const { digest, bytes } = await fetchManifest(options);
  await store.write(bytes, { expected: digest, signal });
  const manifest = parseManifest(bytes);
  if (manifest.kind === "image") {
    const { configBlob } = readProfile(manifest, formatReference(reference));
    for (const blob of manifest.config.digest === configBlob.digest ? [configBlob] : [manifest.config, configBlob]) {
      await fetchBlob(options, blob);
    }
  }
  const image = await readClusterImage(store, digest);
  requirePlatform(image, options.platform, formatReference(reference));
  return image;
}

async function fetchManifest(options: FetchOptions): Promise<{ digest: Digest; bytes: Buffer }> {
  const { client, reference, ownPlatform = hostPlatform(), platform = ownPlatform, signal } = options;
  const get = (name: string): Promise<{ mediaType: string; digest: Digest; bytes: Buffer }> =>
    client
      .manifest(reference, name, { signal })
      .catch((error: unknown) => Promise.reject(registryFailure("fetch", reference.host, error)));
  const known = reference.digest === undefined ? undefined : await storedManifest(options.store, reference.digest);
  const content = known ?? (await get(manifestReference(reference)));
  const manifest = parseManifest(content.bytes, content.mediaType);
  if (manifest.kind === "image") return content;
  const child = choosePlatform(manifest.manifests, platform, formatReference(reference));
  return (await storedManifest(options.store, child.digest)) ?? (await get(child.digest));
}

/** Content by digest cannot have changed. */
async function storedManifest(
  store: Store,
  digest: Digest,
): Promise<{ mediaType: string; digest: Digest; bytes: Buffer } | undefined> {
  if ((await store.has(digest)) === undefined) return undefined;
  const bytes = await store.readSmall(digest);
  return { mediaType: parseManifest(bytes).mediaType, digest, bytes };
}

/** Fetches the chosen blobs, going on past missing ones so that all are told at once. */
async function fetchBlobs(
  options: FetchOptions,
  image: ClusterImage,
  chosen: (blob: ClusterImage["blobs"][number]) => boolean,
): Promise<void> {
  const { store, signal, onProgress } = options;
  const blobs = [...new Map(image.blobs.filter(chosen).map((blob) => [blob.digest, blob])).values()];
  const totalBytes = blobs.reduce((sum, { size }) => sum + size, 0);
  const missing: (typeof blobs)[number][] = [];
  let [done, bytes] = [0, 0];
  await forEachParallel(blobs, options.parallel ?? 4, signal, async (blob, blobSignal) => {
    try {
      await fetchBlob({ ...options, signal: blobSignal }, blob);
    } catch (error) {
      if (!isMissing(error)) throw error;
      missing.push(blob);
    }
    done += 1;
    bytes += blob.size;
    onProgress?.({ blobs: done, totalBlobs: blobs.length, bytes, totalBytes });
  });
  if (missing.length === 0) return;
  const needed = imagesByBlob(await walkImages(store, image.config.images, image.config.platform, signal));
  const list = missing
    .sort((left, right) => (left.digest < right.digest ? -1 : 1))
    .map(({ digest, role }) => {
      const users = role === "rootfs" ? ["the rootfs"] : (needed.get(digest) ?? []);
      return `  ${role} ${digest}${users.length === 0 ? "" : `, needed by ${users.join(", ")}`}`;
    });
  const message = `${formatReference(options.reference)} is not whole; its registry lacks\n${list.slice(0, 20).join("\n")}`;
  throw new KubefileError("ARTIFACT_INVALID", message, {
    hint: "push the cluster image again: only what is missing is sent",
  });
}

async function fetchBlob(options: FetchOptions, blob: { digest: Digest; size: number }): Promise<void> {
  const { store, reference, signal } = options;
  try {
    await store.ensure(blob.digest, blobFetcher(options, blob), { signal });
  } catch (error) {
    throw registryFailure("fetch", reference.host, error);
  }
}

/** Fetches a blob from the repository of an image, and refuses one of another size than the image's manifest says. */
export function blobFetcher(
  { client, reference }: Pick<FetchOptions, "client" | "reference">,
  { digest, size }: { readonly digest: Digest; readonly size: number },
): BlobFetcher {
  return async (offset, signal) => {
    const content = await client.blob(reference, digest, { offset, size, signal });
    if (content.size === size) return content;
    content.stream.destroy();
    const message = `blob ${digest} of ${formatReference(reference)} has ${content.size} bytes, its manifest says ${size}`;
    throw new KubefileError("ARTIFACT_INVALID", message);
  };
}

function isMissing(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof RegistryError && cause.status === 404;
}
