import type { Grade } from "../capture/types.ts";
import { KubefileError } from "../error.ts";
import { canonicalJson } from "../oci/canonical-json.ts";
import { comparePlatforms, type Descriptor, formatPlatform, type Platform } from "../oci/descriptor.ts";
import { type Digest, digestOf } from "../oci/digest.ts";
import { CLUSTER_ARTIFACT, OCI_INDEX } from "../oci/media-types.ts";
import { isTag, type Reference } from "../oci/reference.ts";
import { ARTIFACT_TYPE_ANNOTATION } from "./blob-roles.ts";
import type { ClusterImage } from "./cluster-image.ts";

/** On each child of an index: how complete its capture is known to be. */
export const GRADE_ANNOTATION = "vnd.kubefile.grade";
/** On the index: platforms whose launch was not rehearsed, joined by commas. */
export const NOT_REHEARSED_ANNOTATION = "vnd.kubefile.not-rehearsed";

/** An index over cluster images of one application, one for each platform. */
export interface ClusterIndex {
  readonly digest: Digest;
  /** The index, byte for byte. */
  readonly bytes: Buffer;
  readonly descriptor: Descriptor;
  /** In the order of the names of their platforms. */
  readonly images: readonly ClusterImage[];
}

/** What each image says for itself alone, even where all say the same. */
const ownAnnotation = /^(?:vnd\.kubefile\.|org\.opencontainers\.image\.base\.)/;

/**
 * Puts an index over cluster images (OCI image-spec, image-index.md). The same images give the same bytes, in whatever
 * order they are named. Neither the index nor its descriptors have an `artifactType`: skopeo before 1.14 forgets it when
 * it copies an index, and then refuses to keep the digest. An annotation says the same.
 *
 * @param images one for each platform
 */
export function writeClusterIndex(images: readonly ClusterImage[]): ClusterIndex {
  const sorted = [...images].sort((left, right) => comparePlatforms(left.config.platform, right.config.platform));
  const bytes = Buffer.from(
    canonicalJson({
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: sorted.map(({ descriptor: { artifactType: _, ...descriptor }, config }) => ({
        ...descriptor,
        platform: config.platform,
        annotations: { [GRADE_ANNOTATION]: config.grade },
      })),
      annotations: annotationsOf(sorted),
    }),
  );
  const digest = digestOf(bytes);
  return { digest, bytes, descriptor: { mediaType: OCI_INDEX, digest, size: bytes.byteLength }, images: sorted };
}

function annotationsOf(images: readonly ClusterImage[]): Record<string, string> {
  const [first, ...others] = images.map(({ manifest }) => manifest.annotations);
  const shared = Object.entries(first ?? {}).filter(
    ([name, value]) => !ownAnnotation.test(name) && others.every((each) => each[name] === value),
  );
  const notRehearsed = images.filter(({ config }) => config.grade === "static").map(platformName);
  return {
    ...Object.fromEntries(shared),
    [ARTIFACT_TYPE_ANNOTATION]: CLUSTER_ARTIFACT,
    ...(notRehearsed.length === 0 ? {} : { [NOT_REHEARSED_ANNOTATION]: notRehearsed.join(",") }),
  };
}

/** From the least to the most that is known. */
const grades: readonly Grade[] = ["static", "pulled", "ready"];

/** What can be promised of all of them. */
export function leastGrade(images: readonly ClusterImage[]): Grade {
  return grades.find((grade) => images.some(({ config }) => config.grade === grade)) ?? "static";
}

/**
 * The tag by which one image of an index is named beside it: `1.0-arm64` for `1.0`. A registry that removes what has no
 * tag then leaves it alone, even where it does not look into indexes.
 *
 * @throws KubefileError USAGE when it would be too long
 */
export function platformTag(tag: string, { architecture, variant }: Platform): string {
  const name = [tag, architecture, ...(variant === undefined ? [] : [variant])].join("-");
  if (isTag(name)) return name;
  throw new KubefileError("USAGE", `${name} is too long for a tag`, { hint: "choose a shorter tag" });
}

/** The name of one image beside that of its index; one by digest alone when the index has no tag. */
export function platformReference({ host, path, tag }: Reference, platform: Platform): Reference {
  return { host, path, ...(tag === undefined ? {} : { tag: platformTag(tag, platform) }) };
}

export function platformName({ config }: ClusterImage): string {
  return formatPlatform(config.platform);
}
