import type { ClusterImage } from "../image/cluster-image.ts";
import { type PushResult, pushClusterImage } from "../image/push.ts";
import { countOf, formatSize } from "../image/text-table.ts";
import { formatRepository, type Reference } from "../oci/reference.ts";
import type { Store } from "../store/types.ts";
import type { Host } from "./host.ts";

/**
 * Pushes a cluster image under each of several names; names of one repository share one transfer.
 *
 * @returns the result of the last repository
 */
export async function pushImage(
  host: Host,
  store: Store,
  image: ClusterImage,
  targets: readonly Reference[],
): Promise<PushResult> {
  const repositories = new Map<string, Reference[]>();
  for (const target of targets) {
    const key = formatRepository(target);
    repositories.set(key, [...(repositories.get(key) ?? []), target]);
    host.trustRegistry(target.host);
  }
  let result: PushResult | undefined;
  for (const [name, references] of repositories) {
    const [repository] = references;
    if (repository === undefined) continue;
    const tags = references.map(({ tag }) => tag ?? "latest");
    result = await host.progress.phase(repositories.size === 1 ? "push" : `push ${name}`, async (phase) => {
      const pushed = await pushClusterImage({
        client: host.client,
        store,
        image,
        repository,
        tags,
        signal: host.signal,
        onProgress: ({ blobs, totalBlobs, uploadedBytes }) =>
          phase.update(`${blobs} of ${totalBlobs} blobs, ${formatSize(uploadedBytes)} sent`),
      });
      const { uploaded, existing } = pushed;
      phase.summary(`${formatSize(uploaded.bytes)} sent, ${countOf(existing.blobs, "blob")} there already`);
      return pushed;
    });
  }
  if (result === undefined) throw new Error("nothing to push to");
  return result;
}
