export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
export const OCI_CONFIG = "application/vnd.oci.image.config.v1+json";
export const OCI_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip";
export const OCI_LAYER = "application/vnd.oci.image.layer.v1.tar";
export const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
export const DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";

export const CLUSTER_ARTIFACT = "application/vnd.kubefile.cluster.v1";
export const CLUSTER_CONFIG = "application/vnd.kubefile.cluster.config.v1+json";

export const CACHE_ARTIFACT = "application/vnd.kubefile.cache.v1";
export const CACHE_RECORD = "application/vnd.kubefile.cache.record.v1+json";

export const manifestTypes: readonly string[] = [OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST];

export function isIndexType(mediaType: string): boolean {
  return mediaType === OCI_INDEX || mediaType === DOCKER_LIST;
}

export function isManifestType(mediaType: string): boolean {
  return manifestTypes.includes(mediaType);
}
