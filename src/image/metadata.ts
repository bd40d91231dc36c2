import type { CapturedImage, Grade } from "../capture/types.ts";
import { type Descriptor, formatPlatform } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { type ClusterImage, totalSize } from "./cluster-image.ts";

/**
 * What `--metadata-file` holds (schemas/metadata.schema.json). Keys that `docker buildx build --metadata-file` has, too,
 * mean the same here, so that steps of a pipeline which read them go on to work.
 */
export interface BuildMetadata {
  /** The names, joined by commas. */
  readonly "image.name"?: string;
  readonly "containerimage.digest": Digest;
  readonly "containerimage.config.digest": Digest;
  readonly "containerimage.descriptor": Descriptor;
  readonly "kubefile.references": readonly string[];
  readonly "kubefile.platform": string;
  readonly "kubefile.grade": Grade;
  readonly "kubefile.needs-network": boolean;
  /** Bytes of the whole cluster image, each blob once. */
  readonly "kubefile.size": number;
  /** Sorted by reference. */
  readonly "kubefile.images": readonly {
    readonly reference: string;
    readonly digest: Digest;
    readonly mediaType: string;
    /** Bytes, with everything it consists of. */
    readonly size: number;
  }[];
}

/** @param image what was pushed, or else what was built */
export function buildMetadata(
  image: ClusterImage,
  references: readonly string[],
  captured: readonly CapturedImage[],
): BuildMetadata {
  const images = [...captured].sort((left, right) => (left.reference < right.reference ? -1 : 1));
  return {
    ...(references.length === 0 ? {} : { "image.name": references.join(",") }),
    "containerimage.digest": image.digest,
    "containerimage.config.digest": image.manifest.config.digest,
    "containerimage.descriptor": image.descriptor,
    "kubefile.references": references,
    "kubefile.platform": formatPlatform(image.config.platform),
    "kubefile.grade": image.config.grade,
    "kubefile.needs-network": image.config.needsNetwork,
    "kubefile.size": totalSize(image),
    "kubefile.images": images.map(({ reference, digest, mediaType, size }) => ({ reference, digest, mediaType, size })),
  };
}
