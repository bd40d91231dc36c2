import { formatRepository, type Repository } from "../oci/reference.ts";
import { RegistryError } from "../registry/errors.ts";
import type { RegistryClient } from "../registry/types.ts";
import { type ClusterImage, uploadsOf } from "./cluster-image.ts";
import { forEachParallel } from "./parallel.ts";
import { registryFailure } from "./registry-failure.ts";

export interface CopyOptions {
  readonly client: RegistryClient;
  readonly image: ClusterImage;
  readonly from: Repository;
  readonly to: Repository;
  /** Names of the image there. */
  readonly tags: readonly string[];
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (done: number, total: number) => void;
}

const PARALLEL_BLOBS = 4;

/**
 * Makes a cluster image known in another repository, byte for byte. Blobs are mounted where the registry is the same and
 * mounts; else they pass through this machine, and none is kept here. In the same repository only tags are put.
 *
 * @throws KubefileError REGISTRY
 */
export async function copyImage(options: CopyOptions): Promise<void> {
  const { client, image, to, tags, signal } = options;
  try {
    const isThere = (await digestOfName(options, image.digest)) === image.digest;
    if (!isThere) {
      await copyBlobs(options);
      await client.pushManifest(to, image.digest, image.descriptor.mediaType, image.bytes, { signal });
    }
    for (const tag of tags) {
      if ((await digestOfName(options, tag)) === image.digest) continue;
      await client.pushManifest(to, tag, image.descriptor.mediaType, image.bytes, { signal });
    }
  } catch (error) {
    throw registryFailure("push", to.host, error);
  }
}

async function copyBlobs({ client, image, from, to, signal, onProgress }: CopyOptions): Promise<void> {
  const mountFrom = from.host === to.host ? [from.path] : [];
  const blobs = uploadsOf(image);
  let done = 0;
  await forEachParallel(blobs, PARALLEL_BLOBS, signal, async ({ digest, size }, blobSignal) => {
    const open = async (offset: number) => {
      const content = await client.blob(from, digest, { offset, size, signal: blobSignal });
      if (content.size === size) return content.stream;
      content.stream.destroy();
      throw new RegistryError(502, "UNKNOWN", `${formatRepository(from)}: blob ${digest} has another size than stated`);
    };
    await client.pushBlob(to, { digest, size, open }, { mountFrom, signal: blobSignal });
    done += 1;
    onProgress?.(done, blobs.length);
  });
}

async function digestOfName({ client, to, signal }: CopyOptions, name: string): Promise<string | undefined> {
  try {
    return (await client.resolve(to, name, { signal })).digest;
  } catch (error) {
    // Some registries refuse to look into a repository that is not there yet.
    if (error instanceof RegistryError && error.status < 500 && error.status !== 429) return undefined;
    throw error;
  }
}
