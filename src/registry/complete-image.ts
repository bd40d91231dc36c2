import pLimit from "p-limit";
import { errorMessage, KubefileError } from "../error.ts";
import { type Descriptor, formatPlatform, type Platform } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { type Manifest, parseManifest } from "../oci/manifest.ts";
import { formatRepository, type Repository } from "../oci/reference.ts";
import { selectImage } from "../oci/select-image.ts";
import type { CachingProxy } from "./caching-proxy.ts";
import { referencesOf, refuseForeignLayers } from "./manifest-facts.ts";
import type { ManifestContent } from "./types.ts";

/** Indexes within indexes; more than the first is rare already. */
const MAX_DEPTH = 8;
const PARALLEL_BLOBS = 4;

export interface CompleteImageOptions {
  readonly source: Pick<CachingProxy, "manifest" | "ensureBlob">;
  readonly repository: Repository;
  /** Tag or digest. */
  readonly reference: string;
  readonly platform: Platform;
  readonly signal?: AbortSignal | undefined;
}

export interface CompleteImage {
  /** Of what the reference stands for: an index or a manifest. */
  readonly digest: Digest;
  readonly mediaType: string;
  /** Bytes of all `blobs`. */
  readonly size: number;
  /** Everything that is in the store now: indexes, the platform's manifest, config and layers, each once, in this order. */
  readonly blobs: readonly Descriptor[];
  /** Children of indexes that were left out: other platforms, attestations. */
  readonly absent: readonly Descriptor[];
}

/**
 * Brings everything into the store that a node of `platform` needs to run an image. Nodes skip blobs that they hold
 * already, so their pulls alone do not make an image complete.
 *
 * @throws RegistryError as the source does; for foreign layers, and for an image that the platform has none of
 * @throws KubefileError ARTIFACT_INVALID for what is no image; STORE_CORRUPT for a blob of another size than promised
 */
export async function completeImage(options: CompleteImageOptions): Promise<CompleteImage> {
  const { source, repository, reference, signal } = options;
  const top = await source.manifest(repository, reference, { signal });
  const { chain, image, absent } = await descend(top, options);
  const contents = [...new Map(referencesOf(image).blobs.map((blob) => [blob.digest, blob])).values()];
  const limit = pLimit(PARALLEL_BLOBS);
  await Promise.all(
    contents.map((blob) =>
      limit(async () => {
        const { size } = await source.ensureBlob(repository, blob.digest, { signal });
        if (size !== blob.size) throw wrongSize(repository, blob, size);
      }),
    ),
  ).finally(() => limit.clearQueue());
  const blobs = [...chain, ...contents];
  return {
    digest: top.digest,
    mediaType: top.mediaType,
    size: blobs.reduce((sum, blob) => sum + blob.size, 0),
    blobs,
    absent,
  };
}

/** Follows indexes down to the platform's manifest. */
async function descend(
  top: ManifestContent,
  { source, repository, platform, signal }: CompleteImageOptions,
): Promise<{ chain: Descriptor[]; image: Manifest; absent: Descriptor[] }> {
  const chain: Descriptor[] = [];
  const absent: Descriptor[] = [];
  let content = top;
  for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
    const name = `${formatRepository(repository)}@${content.digest}`;
    const manifest = parseImage(content, name);
    chain.push({ mediaType: content.mediaType, digest: content.digest, size: content.bytes.byteLength });
    if (manifest.kind === "image") {
      refuseForeignLayers(manifest, name);
      return { chain, image: manifest, absent };
    }
    const child = selectImage(manifest.manifests, platform);
    if (child === undefined) throw noPlatform(name, manifest.manifests, platform);
    absent.push(...manifest.manifests.filter(({ digest }) => digest !== child.digest));
    content = await source.manifest(repository, child.digest, { signal });
  }
  throw new KubefileError("ARTIFACT_INVALID", `${formatRepository(repository)}: more than ${MAX_DEPTH} nested indexes`);
}

function parseImage({ bytes, mediaType }: ManifestContent, name: string): Manifest {
  try {
    return parseManifest(bytes, mediaType);
  } catch (error) {
    throw new KubefileError("ARTIFACT_INVALID", `${name} is not a container image: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}

function noPlatform(name: string, children: readonly Descriptor[], platform: Platform): KubefileError {
  const offered = children.flatMap((child) => (child.platform === undefined ? [] : [formatPlatform(child.platform)]));
  return new KubefileError(
    "PULL_FAILED",
    `${name} has no image for ${formatPlatform(platform)}, only for ${offered.join(", ") || "none"}`,
    { hint: "use an image that is built for the cluster's platform" },
  );
}

function wrongSize(repository: Repository, blob: Descriptor, size: number): KubefileError {
  return new KubefileError(
    "STORE_CORRUPT",
    `blob ${formatRepository(repository)}@${blob.digest} has ${size} bytes, its manifest says ${blob.size}`,
  );
}
