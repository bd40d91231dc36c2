import { KubefileError } from "../error.ts";
import type { Digest } from "../oci/digest.ts";
import { formatRepository, type Repository } from "../oci/reference.ts";
import type { RegistryClient } from "../registry/types.ts";
import type { ClusterIndex } from "./cluster-index.ts";
import { registryFailure } from "./registry-failure.ts";

export interface PutIndexOptions {
  readonly client: RegistryClient;
  readonly repository: Repository;
  /** Its images are in the repository. */
  readonly index: ClusterIndex;
  readonly tags: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Puts an index over images of a repository: by its digest, then under its tags, which are asked for afterwards.
 *
 * @throws KubefileError REGISTRY with the registry's own words
 */
export async function putIndex({ client, repository, index, tags, signal }: PutIndexOptions): Promise<void> {
  const { digest, bytes, descriptor } = index;
  const names: readonly (Digest | string)[] = [digest, ...tags];
  try {
    for (const name of names) await client.pushManifest(repository, name, descriptor.mediaType, bytes, { signal });
    for (const name of names) {
      const found = await client.resolve(repository, name, { signal });
      if (found.digest === digest) continue;
      throw new KubefileError("REGISTRY", `${formatRepository(repository)}:${name} is ${found.digest}, not ${digest}`, {
        hint: "somebody else may be pushing the same tag: push again",
      });
    }
  } catch (error) {
    throw registryFailure("push", repository.host, error);
  }
}
