import { KubefileError } from "../error.ts";
import { canonicalJson } from "../oci/canonical-json.ts";
import type { Descriptor, Platform } from "../oci/descriptor.ts";
import { type Digest, digestOf } from "../oci/digest.ts";
import { CLUSTER_ARTIFACT, CLUSTER_CONFIG, OCI_CONFIG, OCI_LAYER, OCI_MANIFEST } from "../oci/media-types.ts";
import {
  ARTIFACT_TYPE_ANNOTATION,
  CLUSTER_CONFIG_ROLE,
  type ClusterBlob,
  MEDIA_TYPE_ANNOTATION,
  nativeDescriptor,
  ROLE_ANNOTATION,
  readBlob,
  standardDescriptor,
} from "./blob-roles.ts";
import type { ImageManifest } from "./cluster-image.ts";

/**
 * How a cluster image is written down. `native` has media types of our own, as OCI means it; `standard` has none, for
 * registries that keep a list of the types they take (GitLab's). The blobs are the same; the manifest's digest differs.
 */
export type ProfileName = "native" | "standard";

export interface ManifestParts {
  readonly configBlob: { readonly digest: Digest; readonly size: number };
  readonly platform: Platform;
  readonly diffIds: readonly Digest[];
  /** Rootfs layers in order, then the rest by `compareBlobs`. */
  readonly blobs: readonly ClusterBlob[];
  readonly annotations: Readonly<Record<string, string>>;
}

export interface WrittenManifest {
  readonly bytes: Buffer;
  /** Blobs that only this profile has; they go where the manifest goes. */
  readonly extraBlobs: readonly { readonly digest: Digest; readonly bytes: Buffer }[];
}

/** OCI image-spec manifest.md, "Guidelines for Artifact Usage": at least one layer, never an empty blob. */
const EMPTY_JSON = Buffer.from("{}");
const emptyLayer: Descriptor = {
  mediaType: "application/vnd.oci.empty.v1+json",
  digest: digestOf(EMPTY_JSON),
  size: EMPTY_JSON.byteLength,
};

/** The same parts give the same bytes. */
export function writeManifest(parts: ManifestParts, profile: ProfileName): WrittenManifest {
  return profile === "native" ? writeNative(parts) : writeStandard(parts);
}

/**
 * Reads either profile: which one it is, where our config blob is, and the blobs with their own media types.
 *
 * @param name what messages call it
 * @throws KubefileError ARTIFACT_INVALID when the manifest is not a cluster image's
 */
export function readProfile(
  manifest: ImageManifest,
  name: string,
): {
  readonly profile: ProfileName;
  readonly configBlob: Descriptor;
  readonly blobs: readonly ClusterBlob[];
} {
  const blobs = manifest.layers.map(readBlob).filter((blob) => blob !== undefined);
  if (manifest.config.mediaType === CLUSTER_CONFIG) return { profile: "native", configBlob: manifest.config, blobs };
  const configBlob = manifest.layers.find((layer) => layer.annotations?.[ROLE_ANNOTATION] === CLUSTER_CONFIG_ROLE);
  if (manifest.annotations[ARTIFACT_TYPE_ANNOTATION] === CLUSTER_ARTIFACT && configBlob !== undefined) {
    return { profile: "standard", configBlob, blobs };
  }
  const type = manifest.artifactType ?? manifest.config.mediaType;
  throw new KubefileError(
    "ARTIFACT_INVALID",
    `${name} is not a cluster image, but ${JSON.stringify(type.slice(0, 100))}`,
    {
      hint: "name an image that `kubefile build` made",
    },
  );
}

/** Whether a manifest is a cluster image's, in either profile. */
export function isClusterManifest(manifest: ImageManifest): boolean {
  return (
    manifest.config.mediaType === CLUSTER_CONFIG || manifest.annotations[ARTIFACT_TYPE_ANNOTATION] === CLUSTER_ARTIFACT
  );
}

function writeNative(parts: ManifestParts): WrittenManifest {
  const layers = parts.blobs.map(nativeDescriptor);
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: CLUSTER_ARTIFACT,
    config: { mediaType: CLUSTER_CONFIG, digest: parts.configBlob.digest, size: parts.configBlob.size },
    layers: layers.length > 0 ? layers : [emptyLayer],
    ...(Object.keys(parts.annotations).length > 0 ? { annotations: parts.annotations } : {}),
  };
  return {
    bytes: Buffer.from(canonicalJson(manifest)),
    extraBlobs: layers.length > 0 ? [] : [{ digest: emptyLayer.digest, bytes: EMPTY_JSON }],
  };
}

function writeStandard(parts: ManifestParts): WrittenManifest {
  const { os, architecture, variant } = parts.platform;
  const imageConfig = Buffer.from(
    canonicalJson({
      architecture,
      os,
      ...(variant === undefined ? {} : { variant }),
      config: {},
      rootfs: { type: "layers", diff_ids: parts.diffIds },
    }),
  );
  const config = { mediaType: OCI_CONFIG, digest: digestOf(imageConfig), size: imageConfig.byteLength };
  const ownConfig: Descriptor = {
    mediaType: OCI_LAYER,
    digest: parts.configBlob.digest,
    size: parts.configBlob.size,
    annotations: { [ROLE_ANNOTATION]: CLUSTER_CONFIG_ROLE, [MEDIA_TYPE_ANNOTATION]: CLUSTER_CONFIG },
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config,
    layers: [...parts.blobs.map(standardDescriptor), ownConfig],
    annotations: { ...parts.annotations, [ARTIFACT_TYPE_ANNOTATION]: CLUSTER_ARTIFACT },
  };
  return {
    bytes: Buffer.from(canonicalJson(manifest)),
    extraBlobs: [{ digest: config.digest, bytes: imageConfig }],
  };
}
