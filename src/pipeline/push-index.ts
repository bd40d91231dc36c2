import { type ClusterIndex, writeClusterIndex } from "../image/cluster-index.ts";
import { putIndex } from "../image/put-index.ts";
import { formatRepository, type Reference } from "../oci/reference.ts";
import type { Store } from "../store/types.ts";
import type { Host } from "./host.ts";
import type { PushedImage } from "./push.ts";

/**
 * Puts an index over images that were pushed before. Registries may have taken them in different forms, so that each
 * repository has an index of its own.
 *
 * @param pushed what came of each image in each of the targets' repositories
 * @param targets names of the index; one without a tag gets it by digest alone
 * @returns the index of the last repository
 */
export async function putIndexes(
  host: Host,
  store: Store,
  pushed: readonly PushedImage[],
  targets: readonly Reference[],
): Promise<ClusterIndex | undefined> {
  const repositories = new Map(targets.map((target) => [formatRepository(target), target]));
  let index: ClusterIndex | undefined;
  for (const [name, repository] of repositories) {
    const here = pushed.filter((each) => formatRepository(each.repository) === name);
    index = writeClusterIndex(here.map(({ image }) => image));
    await store.write(index.bytes, { expected: index.digest, signal: host.signal });
    const tags = targets.filter((target) => formatRepository(target) === name).flatMap(({ tag }) => tag ?? []);
    await putIndex({ client: host.client, repository, index, tags, signal: host.signal });
  }
  return index;
}
