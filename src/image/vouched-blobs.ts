import { KubefileError } from "../error.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { type Manifest, parseManifest, selectPlatform } from "../oci/manifest.ts";
import type { Repository } from "../oci/reference.ts";
import { RegistryError } from "../registry/errors.ts";
import type { ManifestContent, Upstream } from "../registry/types.ts";
import { type ClusterImage, uploadsOf } from "./cluster-image.ts";

export interface VouchingOptions {
  readonly client: Upstream;
  readonly repository: Repository;
  readonly tags: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/** What a repository's manifests say of a cluster image's blobs. */
export interface Vouched {
  /** The repository has the cluster image's own manifest. */
  readonly isThere: boolean;
  /** Blobs that manifests of the repository list: what they list stays as long as they do. */
  readonly blobs: ReadonlySet<Digest>;
}

/** Tags that pipelines move from image to image: when a new tag is pushed, one of these has most of its blobs. */
const movingTags = ["edge", "latest"];
/** For fewer blobs, asking for each costs hardly more than asking for manifests. */
const FEW_BLOBS = 20;
const MAX_TAGS = 4;

/**
 * Finds blobs of a cluster image that need not be asked for one by one, since a manifest in the repository lists them:
 * its own, the one that a tag is to be taken from, or what a moving tag stands for. What is absent or refused vouches
 * for nothing.
 *
 * @throws RegistryError when the registry cannot answer
 */
export async function vouchedBlobs(options: VouchingOptions, image: ClusterImage): Promise<Vouched> {
  const { client, repository, tags, signal } = options;
  const uploads = uploadsOf(image).map(({ digest }) => digest);
  const own = await unlessRefused(client.resolve(repository, image.digest, { signal }));
  if (own !== undefined) return { isThere: true, blobs: new Set(uploads) };
  const listed = new Set<Digest>();
  const look = async (reference: string): Promise<void> => {
    const manifest = read(await unlessRefused(client.manifest(repository, reference, { signal })));
    if (manifest?.kind === "image") {
      for (const blob of [manifest.config, ...manifest.layers]) if (isKept(blob)) listed.add(blob.digest);
      return;
    }
    const child = manifest === undefined ? undefined : selectPlatform(manifest.manifests, image.config.platform);
    if (child !== undefined && child.digest !== reference) await look(child.digest);
  };
  await Promise.all(tags.slice(0, MAX_TAGS).map(look));
  for (const tag of movingTags.filter((name) => !tags.includes(name))) {
    if (uploads.filter((digest) => !listed.has(digest)).length > FEW_BLOBS) await look(tag);
  }
  return { isThere: false, blobs: listed };
}

/** Layers of this kind may be absent where their manifest is. */
function isKept({ urls, mediaType }: Descriptor): boolean {
  return urls === undefined && !/nondistributable|\.foreign\./.test(mediaType);
}

async function unlessRefused<Result>(asked: Promise<Result>): Promise<Result | undefined> {
  return asked.catch((error: unknown) => {
    if (error instanceof RegistryError && error.status < 500 && error.status !== 429) return undefined;
    throw error;
  });
}

function read(content: ManifestContent | undefined): Manifest | undefined {
  try {
    return content === undefined ? undefined : parseManifest(content.bytes, content.mediaType);
  } catch (error) {
    if (error instanceof KubefileError) return undefined;
    throw error;
  }
}
