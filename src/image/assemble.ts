import type { CapturedImage } from "../capture/types.ts";
import { KubefileError } from "../error.ts";
import type { Descriptor, Platform } from "../oci/descriptor.ts";
import { type Digest, digestOf } from "../oci/digest.ts";
import type { Store } from "../store/types.ts";
import { checkPresence, type ImageBlobs, walkImages } from "./blob-graph.ts";
import { type ClusterBlob, compareBlobs } from "./blob-roles.ts";
import type { ClusterImage } from "./cluster-image.ts";
import { encodeConfig } from "./config.ts";
import { checkLimits } from "./limits.ts";
import { writeManifest } from "./profiles.ts";
import { readClusterImage } from "./read.ts";
import type { ClusterImageConfig } from "./types.ts";

/** The config without what follows from the layers and images; a whole config fits, its derived fields are replaced. */
export type ClusterImageDescription = Omit<ClusterImageConfig, "schemaVersion" | "platform" | "rootfs" | "images">;

export interface RootfsLayer {
  readonly descriptor: Descriptor;
  /** Digest of the uncompressed tar. */
  readonly diffId: Digest;
}

export interface AssembleOptions {
  readonly store: Store;
  readonly config: ClusterImageDescription;
  /** In the order in which they are applied. */
  readonly layers: readonly RootfsLayer[];
  /** In any order. */
  readonly images: readonly CapturedImage[];
  readonly platform: Platform;
  readonly annotations?: SourceAnnotations;
  /** Whether a layer or config that the store lacks can be had when it is needed; manifests are always needed. */
  readonly isElsewhere?: ((digest: Digest) => boolean) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** OCI image-spec annotations.md. Absent ones are not written. */
export interface SourceAnnotations {
  readonly source?: string;
  readonly revision?: string;
  readonly version?: string;
  /** The image that this one is made from: its full name. */
  readonly baseName?: string;
  /** Of its manifest for the platform. */
  readonly baseDigest?: Digest;
  /** RFC 3339, from SOURCE_DATE_EPOCH alone: a clock's time would give every build a digest of its own. */
  readonly created?: string;
  /** By their full names; they win over what may be told otherwise, and not over what is a fact of the build. */
  readonly others?: Readonly<Record<string, string>>;
}

/**
 * Makes the cluster image out of rootfs layers and captured images that are in the store, or known to be elsewhere, and
 * puts its manifest and config there too. The same inputs give the same bytes, whatever the order of `images` and whatever else the store holds.
 *
 * @throws KubefileError CAPTURE_INCOMPLETE when an image lacks a blob, STORE_CORRUPT when one is not what it should be,
 * ARTIFACT_TOO_LARGE when registries would refuse the manifest, ARTIFACT_INVALID when the config does not fit its schema
 */
export async function assembleClusterImage(options: AssembleOptions): Promise<ClusterImage> {
  const { store, layers, platform, isElsewhere, signal } = options;
  const roots = uniqueImages(options.images);
  const images = await checkPresence(store, await walkImages(store, roots, platform, signal), isElsewhere);
  await requireWhole(store, images, layers, isElsewhere);

  const config: ClusterImageConfig = {
    ...options.config,
    schemaVersion: 1,
    platform,
    rootfs: { diffIds: layers.map(({ diffId }) => diffId) },
    images: roots.map(({ reference, digest, mediaType }) => ({ reference, digest, mediaType })),
  };
  const configBytes = encodeConfig(config);
  const configBlob = { digest: digestOf(configBytes), size: configBytes.byteLength };
  const blobs = collectBlobs(layers, images);
  const annotations = ociAnnotations(options.annotations ?? {});
  const parts = { configBlob, platform, diffIds: config.rootfs.diffIds, blobs, annotations };
  const { bytes, extraBlobs } = writeManifest(parts, "native");
  checkLimits(bytes.byteLength, blobs.length + 1, images);
  for (const content of [configBytes, ...extraBlobs.map((blob) => blob.bytes), bytes]) {
    await store.write(content, { expected: digestOf(content), signal });
  }
  return readClusterImage(store, digestOf(bytes));
}

/** Sorted by reference, each once. @throws KubefileError CAPTURE_INCOMPLETE for a name with two digests */
function uniqueImages(images: readonly CapturedImage[]): readonly CapturedImage[] {
  const byReference = new Map<string, CapturedImage>();
  for (const image of images) {
    const other = byReference.get(image.reference);
    if (other !== undefined && other.digest !== image.digest) {
      const message = `${image.reference} was captured as ${other.digest} and as ${image.digest}`;
      throw new KubefileError("CAPTURE_INCOMPLETE", message, {
        hint: "the tag moved during the build: build again, or name the image by its digest",
      });
    }
    byReference.set(image.reference, image);
  }
  return [...byReference.values()].sort((left, right) => (left.reference < right.reference ? -1 : 1));
}

/** @throws KubefileError CAPTURE_INCOMPLETE, STORE_CORRUPT with every image and digest concerned */
async function requireWhole(
  store: Store,
  images: readonly ImageBlobs[],
  layers: readonly RootfsLayer[],
  isElsewhere: (digest: Digest) => boolean = () => false,
): Promise<void> {
  const problems = images.flatMap((image) =>
    image.problems.map((problem) => ({ ...problem, text: `${image.reference}: ${problem.text}` })),
  );
  for (const { descriptor } of layers) {
    const found = await store.has(descriptor.digest);
    if (found?.size === descriptor.size || (found === undefined && isElsewhere(descriptor.digest))) continue;
    const state = found === undefined ? "is missing" : `has ${found.size} bytes, not ${descriptor.size}`;
    const reason = found === undefined ? "missing" : "corrupt";
    problems.push({ digest: descriptor.digest, reason, text: `rootfs layer ${descriptor.digest} ${state}` });
  }
  if (problems.length === 0) return;
  const corrupt = problems.some(({ reason }) => reason === "corrupt");
  const list = problems.slice(0, 20).map(({ text }) => `  ${text}`);
  if (problems.length > list.length) list.push(`  and ${problems.length - list.length} more`);
  throw new KubefileError(
    corrupt ? "STORE_CORRUPT" : "CAPTURE_INCOMPLETE",
    `the cluster image cannot be assembled from ${store.directory}:\n${list.join("\n")}`,
    {
      hint: corrupt
        ? "remove these blobs from the store and build again"
        : "build again; what is there is not fetched twice",
    },
  );
}

/**
 * Rootfs layers as they are, then every captured blob once. A blob that two images call by different media types, as
 * happens with base layers of Docker and OCI images, goes by the first name in order, so that order of capture is no matter.
 */
function collectBlobs(layers: readonly RootfsLayer[], images: readonly ImageBlobs[]): readonly ClusterBlob[] {
  const rootfs = layers.map(({ descriptor: { digest, size, mediaType } }): ClusterBlob => {
    return { role: "rootfs", digest, size, mediaType };
  });
  const inRootfs = new Set(rootfs.map(({ digest }) => digest));
  const captured = new Map<Digest, ClusterBlob>();
  for (const blob of images.flatMap((image) => image.blobs)) {
    // Some registries refuse blobs of no bytes, and whoever needs this one can make it.
    if (inRootfs.has(blob.digest) || blob.size === 0) continue;
    const other = captured.get(blob.digest);
    if (other === undefined || comesFirst(blob, other)) captured.set(blob.digest, blob);
  }
  return [...rootfs, ...[...captured.values()].sort(compareBlobs)];
}

function comesFirst(blob: ClusterBlob, other: ClusterBlob): boolean {
  const order = compareBlobs(blob, other);
  return order < 0 || (order === 0 && blob.mediaType < other.mediaType);
}

function ociAnnotations(annotations: SourceAnnotations): Record<string, string> {
  const { source, revision, version, created, baseName, baseDigest, others = {} } = annotations;
  return {
    ...named({ source, version, created }),
    ...others,
    ...named({ revision, "base.name": baseName, "base.digest": baseDigest }),
  };
}

function named(values: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      value === undefined ? [] : [[`org.opencontainers.image.${name}`, value]],
    ),
  );
}
