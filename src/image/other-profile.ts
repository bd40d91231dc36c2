import { digestOf } from "../oci/digest.ts";
import type { Store } from "../store/types.ts";
import { ARTIFACT_TYPE_ANNOTATION } from "./blob-roles.ts";
import type { ClusterImage } from "./cluster-image.ts";
import { type ProfileName, writeManifest } from "./profiles.ts";
import { readClusterImage } from "./read.ts";

/** The same cluster image written in another profile; its new manifest and config are put into the store. */
export async function inProfile(store: Store, image: ClusterImage, profile: ProfileName): Promise<ClusterImage> {
  if (image.profile === profile) return image;
  const { config, configBlob, blobs, manifest } = image;
  const { [ARTIFACT_TYPE_ANNOTATION]: _, ...annotations } = manifest.annotations;
  const written = writeManifest(
    { configBlob, platform: config.platform, diffIds: config.rootfs.diffIds, blobs, annotations },
    profile,
  );
  for (const bytes of [...written.extraBlobs.map((blob) => blob.bytes), written.bytes]) {
    await store.write(bytes, { expected: digestOf(bytes) });
  }
  return readClusterImage(store, digestOf(written.bytes));
}
