import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import type { Manifest } from "../oci/manifest.ts";
import type { ClusterBlob } from "./blob-roles.ts";
import type { ProfileName } from "./profiles.ts";
import type { ClusterImageConfig } from "./types.ts";

export type ImageManifest = Extract<Manifest, { kind: "image" }>;

/** A cluster image as it stands in a store: its manifest's exact bytes, and what they say. */
export interface ClusterImage {
  readonly digest: Digest;
  /** The manifest, byte for byte. */
  readonly bytes: Buffer;
  /** Of the manifest. */
  readonly descriptor: Descriptor;
  readonly manifest: ImageManifest;
  readonly profile: ProfileName;
  readonly config: ClusterImageConfig;
  /** Where our config blob is: the manifest's config, or a layer in the standard profile. */
  readonly configBlob: { readonly digest: Digest; readonly size: number };
  /** Rootfs layers in order, then captured blobs. Blobs of no bytes are not listed: registries refuse them. */
  readonly blobs: readonly ClusterBlob[];
}

/** The rootfs layers in the order in which they are applied. */
export function rootfsLayers(image: ClusterImage): readonly ClusterBlob[] {
  return image.blobs.filter((blob) => blob.role === "rootfs");
}

/** Every blob that a registry must hold beneath the manifest, each once. */
export function uploadsOf(image: ClusterImage): readonly { readonly digest: Digest; readonly size: number }[] {
  const { config, layers } = image.manifest;
  return [...new Map([config, ...layers].map(({ digest, size }) => [digest, { digest, size }])).values()];
}

/** Bytes of the whole cluster image: manifest and every blob once. */
export function totalSize(image: ClusterImage): number {
  return image.bytes.byteLength + uploadsOf(image).reduce((sum, { size }) => sum + size, 0);
}
