import { KubefileError } from "../error.ts";
import { type Descriptor, formatPlatform, isSamePlatform, type Platform } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { parseManifest, selectPlatform } from "../oci/manifest.ts";
import type { BlobReader } from "../store/types.ts";
import type { ClusterImage } from "./cluster-image.ts";

/**
 * The image of an index for a platform.
 *
 * @param name what messages call the index
 * @throws KubefileError ARTIFACT_INVALID with the platforms that there are
 */
export function choosePlatform(children: readonly Descriptor[], platform: Platform, name: string): Descriptor {
  const chosen = selectPlatform(children, platform);
  if (chosen !== undefined) return chosen;
  const offered = children.flatMap((child) => (child.platform === undefined ? [] : [formatPlatform(child.platform)]));
  throw new KubefileError("ARTIFACT_INVALID", `${name} has no cluster image for ${formatPlatform(platform)}`, {
    hint:
      offered.length === 0
        ? "build one for this platform"
        : `choose with --platform ${offered.join(" or ")}, or build one for this platform`,
  });
}

/** Of an index the digest of the platform's image, of an image its own. */
export async function platformDigest(
  content: BlobReader,
  digest: Digest,
  platform: Platform,
  name: string,
): Promise<Digest> {
  const manifest = parseManifest(await content.readSmall(digest));
  return manifest.kind === "image" ? digest : choosePlatform(manifest.manifests, platform, name).digest;
}

/** @throws KubefileError ARTIFACT_INVALID for an image of another platform than the one that was asked for */
export function requirePlatform({ config }: ClusterImage, wanted: Platform | undefined, name: string): void {
  if (wanted === undefined || isSamePlatform(config.platform, wanted)) return;
  const own = formatPlatform(config.platform);
  throw new KubefileError("ARTIFACT_INVALID", `${name} is for ${own}, not for ${formatPlatform(wanted)}`, {
    hint: "name an index that has this platform, or build an image for it",
  });
}
