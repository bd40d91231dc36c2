import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { isManifestType, OCI_LAYER } from "../oci/media-types.ts";

/**
 * What a blob of a cluster image is. `rootfs` layers make the file tree; the others are the captured images' own blobs.
 * The order is the order of the manifest's layers.
 */
export const blobRoles = ["rootfs", "index", "manifest", "config", "layer"] as const;
export type BlobRole = (typeof blobRoles)[number];

/** One blob that a cluster image carries. */
export interface ClusterBlob {
  readonly role: BlobRole;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** What it is called where it came from, whatever the cluster image's manifest has to call it. */
  readonly mediaType: string;
}

export const ROLE_ANNOTATION = "vnd.kubefile.role";
export const MEDIA_TYPE_ANNOTATION = "vnd.kubefile.media-type";
/** Says what the artifact is where a registry does not take `artifactType`. */
export const ARTIFACT_TYPE_ANNOTATION = "vnd.kubefile.artifact-type";
/** The role of our config blob where a registry takes no config but an OCI image config. */
export const CLUSTER_CONFIG_ROLE = "cluster-config";

/**
 * Our own media types for JSON blobs: a layer descriptor that says "image manifest" makes registries look for a manifest
 * of that digest, and clients look inside.
 */
const ownTypes = {
  index: "application/vnd.kubefile.cluster.index.v1+json",
  manifest: "application/vnd.kubefile.cluster.manifest.v1+json",
  config: "application/vnd.kubefile.cluster.image-config.v1+json",
} as const;
const OWN_LAYER = "application/vnd.kubefile.cluster.layer.v1";

const mediaTypePattern = /^[a-zA-Z0-9][a-zA-Z0-9!#$&^_.+-]{0,126}\/[a-zA-Z0-9][a-zA-Z0-9!#$&^_.+-]{0,126}$/;
const standardLayer =
  /^application\/vnd\.(?:oci\.image\.layer\.v1\.tar(?:\+(?:gzip|zstd))?|docker\.image\.rootfs\.diff\.tar(?:\.gzip|\.zstd)?)$/;

/** Layers that registries allow to be absent, or that have a meaning of their own to them. */
const specialLayer = /nondistributable|\.foreign\./;

/** The descriptor that stands for a blob in our manifest: true types for layers, our own for the rest. */
export function nativeDescriptor(blob: ClusterBlob): Descriptor {
  return describe(blob, nativeType(blob));
}

/** The same with no media type but the image-spec's, for registries that know no others. */
export function standardDescriptor(blob: ClusterBlob): Descriptor {
  return describe(blob, standardLayer.test(blob.mediaType) ? blob.mediaType : OCI_LAYER);
}

/** Reads a descriptor back; undefined when it is none of a cluster image's blobs. */
export function readBlob(descriptor: Descriptor): ClusterBlob | undefined {
  const role = blobRoles.find((name) => name === descriptor.annotations?.[ROLE_ANNOTATION]);
  if (role === undefined) return undefined;
  const { digest, size } = descriptor;
  return { role, digest, size, mediaType: descriptor.annotations?.[MEDIA_TYPE_ANNOTATION] ?? descriptor.mediaType };
}

/** By role, then digest: the order in which captured blobs stand in a manifest. */
export function compareBlobs(left: ClusterBlob, right: ClusterBlob): number {
  const byRole = blobRoles.indexOf(left.role) - blobRoles.indexOf(right.role);
  return byRole !== 0 ? byRole : left.digest < right.digest ? -1 : left.digest > right.digest ? 1 : 0;
}

function describe(blob: ClusterBlob, mediaType: string): Descriptor {
  const original = mediaType === blob.mediaType ? {} : { [MEDIA_TYPE_ANNOTATION]: blob.mediaType };
  return {
    mediaType,
    digest: blob.digest,
    size: blob.size,
    annotations: { [ROLE_ANNOTATION]: blob.role, ...original },
  };
}

function nativeType({ role, mediaType }: ClusterBlob): string {
  if (role === "index" || role === "manifest" || role === "config") return ownTypes[role];
  const safe = mediaTypePattern.test(mediaType) && !isManifestType(mediaType) && !specialLayer.test(mediaType);
  return safe ? mediaType : OWN_LAYER;
}
