import type { Digest } from "../oci/digest.ts";
import type { BlobReader } from "../store/types.ts";
import { type ImageBlobs, walkImages } from "./blob-graph.ts";
import type { ClusterBlob } from "./blob-roles.ts";
import { type ClusterImage, rootfsLayers, totalSize } from "./cluster-image.ts";
import type { ProfileName } from "./profiles.ts";
import type { ClusterImageConfig } from "./types.ts";

/** What `kubefile inspect` shows. Sizes in bytes. */
export interface Inspection {
  readonly reference?: string;
  readonly digest: Digest;
  readonly mediaType: string;
  readonly profile: ProfileName;
  readonly annotations: Readonly<Record<string, string>>;
  /** Of everything, each blob once. */
  readonly size: number;
  readonly config: ClusterImageConfig;
  /** In the order in which they are applied. */
  readonly rootfs: {
    readonly size: number;
    readonly layers: readonly InspectedLayer[];
  };
  readonly images: {
    /** Each blob once. */
    readonly size: number;
    /** What the images would take if each brought all of its blobs. */
    readonly separateSize: number;
    /** Sorted by reference. */
    readonly list: readonly InspectedImage[];
  };
}

export interface InspectedLayer {
  readonly digest: Digest;
  readonly diffId: Digest | undefined;
  readonly mediaType: string;
  readonly size: number;
}

export interface InspectedImage {
  readonly reference: string;
  readonly digest: Digest;
  readonly mediaType: string;
  readonly layers: number;
  /** With everything it consists of. */
  readonly size: number;
  /** Of blobs that no other image needs. */
  readonly ownSize: number;
}

/** Describes a cluster image whose manifests (layers need not be) are in the store. */
export async function inspectClusterImage(
  store: BlobReader,
  image: ClusterImage,
  reference?: string,
): Promise<Inspection> {
  const { config, digest, manifest, profile } = image;
  const walked = (await walkImages(store, config.images, config.platform)).map(uniqueBlobs);
  const users = new Map<Digest, number>();
  const captured = new Map<Digest, ClusterBlob>();
  for (const blob of walked.flatMap(({ blobs }) => blobs)) {
    users.set(blob.digest, (users.get(blob.digest) ?? 0) + 1);
    captured.set(blob.digest, blob);
  }
  const list = config.images.map((entry, position) => {
    const blobs = walked[position]?.blobs ?? [];
    return {
      ...entry,
      layers: blobs.filter(({ role }) => role === "layer").length,
      size: sumOf(blobs),
      ownSize: sumOf(blobs.filter((blob) => users.get(blob.digest) === 1)),
    };
  });
  const layers = rootfsLayers(image);
  return {
    ...(reference === undefined ? {} : { reference }),
    digest,
    mediaType: manifest.mediaType,
    profile,
    annotations: manifest.annotations,
    size: totalSize(image),
    config,
    rootfs: {
      size: sumOf([...new Map(layers.map((layer) => [layer.digest, layer])).values()]),
      layers: layers.map((layer, position) => ({
        digest: layer.digest,
        diffId: config.rootfs.diffIds[position],
        mediaType: layer.mediaType,
        size: layer.size,
      })),
    },
    images: {
      size: sumOf([...captured.values()]),
      separateSize: list.reduce((sum, { size }) => sum + size, 0),
      list,
    },
  };
}

function uniqueBlobs(image: ImageBlobs): ImageBlobs {
  return { ...image, blobs: [...new Map(image.blobs.map((blob) => [blob.digest, blob])).values()] };
}

function sumOf(blobs: readonly ClusterBlob[]): number {
  return blobs.reduce((sum, { size }) => sum + size, 0);
}
