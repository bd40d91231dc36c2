import type { CapturedImage, Grade } from "../capture/types.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { type ClusterImage, totalSize, uploadsOf } from "./cluster-image.ts";
import { type ClusterIndex, leastGrade, platformName } from "./cluster-index.ts";

/**
 * What `--metadata-file` holds (schemas/metadata.schema.json). Keys that `docker buildx build --metadata-file` has, too,
 * mean the same here, so that steps of a pipeline which read them go on to work.
 */
export interface BuildMetadata {
  /** The names, joined by commas. */
  readonly "image.name"?: string;
  readonly "containerimage.digest": Digest;
  /** Absent with several platforms, as each has a config of its own. */
  readonly "containerimage.config.digest"?: Digest;
  readonly "containerimage.descriptor": Descriptor;
  readonly "kubefile.references": readonly string[];
  /** One each, in the order of their names. */
  readonly "kubefile.platforms": readonly PlatformMetadata[];
  /** Of several platforms the least. */
  readonly "kubefile.grade": Grade;
  readonly "kubefile.needs-network": boolean;
  /** Bytes of the whole cluster image, each blob once, for all platforms together. */
  readonly "kubefile.size": number;
  /** Sorted by reference, then by platform. */
  readonly "kubefile.images": readonly ImageMetadata[];
}

/** One cluster image of a build. */
export interface PlatformMetadata {
  readonly platform: string;
  readonly digest: Digest;
  readonly grade: Grade;
  /** Bytes of all of it, each blob once. */
  readonly size: number;
  readonly references: readonly string[];
}

export interface ImageMetadata {
  readonly reference: string;
  readonly digest: Digest;
  readonly mediaType: string;
  /** Bytes, with everything it consists of. */
  readonly size: number;
  /** Given when there are several. */
  readonly platform?: string;
}

/** @param image what was pushed, or else what was built */
export function buildMetadata(
  image: ClusterImage,
  references: readonly string[],
  captured: readonly CapturedImage[],
): BuildMetadata {
  return {
    ...(references.length === 0 ? {} : { "image.name": references.join(",") }),
    "containerimage.digest": image.digest,
    "containerimage.config.digest": image.manifest.config.digest,
    "containerimage.descriptor": image.descriptor,
    "kubefile.references": references,
    "kubefile.platforms": [platformMetadata(image, references)],
    "kubefile.grade": image.config.grade,
    "kubefile.needs-network": image.config.needsNetwork,
    "kubefile.size": totalSize(image),
    "kubefile.images": imageMetadata(captured),
  };
}

/** What one of several builds came to. */
export interface BuiltPlatform {
  readonly image: ClusterImage;
  readonly metadata: BuildMetadata;
}

/** @param built one for each image of the index */
export function indexMetadata(
  index: ClusterIndex,
  references: readonly string[],
  built: readonly BuiltPlatform[],
): BuildMetadata {
  const sizes = built.flatMap(({ image }) => uploadsOf(image).map(({ digest, size }) => [digest, size] as const));
  const manifests = built.reduce((sum, { image }) => sum + image.bytes.byteLength, index.bytes.byteLength);
  const images = built.flatMap(({ image, metadata }) =>
    metadata["kubefile.images"].map((each) => ({ ...each, platform: platformName(image) })),
  );
  return {
    ...(references.length === 0 ? {} : { "image.name": references.join(",") }),
    "containerimage.digest": index.digest,
    "containerimage.descriptor": index.descriptor,
    "kubefile.references": references,
    "kubefile.platforms": built
      .flatMap(({ metadata }) => metadata["kubefile.platforms"])
      .sort((left, right) => (left.platform < right.platform ? -1 : 1)),
    "kubefile.grade": leastGrade(index.images),
    "kubefile.needs-network": index.images.some(({ config }) => config.needsNetwork),
    "kubefile.size": [...new Map(sizes).values()].reduce((sum, size) => sum + size, manifests),
    "kubefile.images": images.sort(byReferenceAndPlatform),
  };
}

function platformMetadata(image: ClusterImage, references: readonly string[]): PlatformMetadata {
  const { grade } = image.config;
  return { platform: platformName(image), digest: image.digest, grade, size: totalSize(image), references };
}

function imageMetadata(captured: readonly CapturedImage[]): ImageMetadata[] {
  return captured
    .map(({ reference, digest, mediaType, size }) => ({ reference, digest, mediaType, size }))
    .sort(byReferenceAndPlatform);
}

function byReferenceAndPlatform(left: ImageMetadata, right: ImageMetadata): number {
  const [one, other] = [left, right].map(({ reference, platform = "" }) => `${reference} ${platform}`);
  return (one ?? "") < (other ?? "") ? -1 : 1;
}
