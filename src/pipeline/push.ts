import type { BlobProvider, PushProgress } from "../image/blob-transfer.ts";
import type { ClusterImage } from "../image/cluster-image.ts";
import { type PushResult, pushClusterImage } from "../image/push.ts";
import { countOf, formatSize } from "../image/text-table.ts";
import { formatRepository, type Reference, type Repository } from "../oci/reference.ts";
import type { Store } from "../store/types.ts";
import type { Host } from "./host.ts";
import type { BuildOptions } from "./options.ts";
import { createTransferMeter } from "./transfer-meter.ts";

/** What a push came to in one repository. */
export interface PushedImage extends PushResult {
  readonly repository: Repository;
}

/** What a build pushes to. */
export function pushTargets({ tags, push }: Pick<BuildOptions, "tags" | "push">): readonly Reference[] {
  return push === "by digest" ? tags.map(({ host, path }) => ({ host, path })) : tags;
}

/** What spares a push a transfer, or makes it possible. */
export interface PushSources {
  /** Repositories that may hold blobs: caches, bases. Those of captured images are known from the image. */
  readonly mountFrom?: readonly Repository[];
  /** Where blobs are that the store lacks; without one it must hold all. */
  readonly provider?: BlobProvider;
}

/**
 * Pushes a cluster image under each of several names; names of one repository share one transfer. One without a tag gets
 * the image by its digest alone.
 *
 * @returns what came of it in each repository
 */
export async function pushImage(
  host: Host,
  store: Store,
  image: ClusterImage,
  targets: readonly Reference[],
  { mountFrom = [], provider }: PushSources = {},
): Promise<readonly PushedImage[]> {
  const repositories = new Map<string, Reference[]>();
  for (const target of targets) {
    const key = formatRepository(target);
    repositories.set(key, [...(repositories.get(key) ?? []), target]);
    host.trustRegistry(target.host);
  }
  const results: PushedImage[] = [];
  for (const [name, references] of repositories) {
    const [repository] = references;
    if (repository === undefined) continue;
    const tags = references.flatMap(({ tag }) => tag ?? []);
    const result = await host.progress.phase(repositories.size === 1 ? "push" : `push ${name}`, async (phase) => {
      const meter = createTransferMeter(host.now);
      const pushed = await pushClusterImage({
        ...{ client: host.client, store, provider, image, repository, tags, mountFrom, signal: host.signal },
        onProgress: (progress) => phase.update(progressText(progress, meter)),
      });
      phase.summary(summaryOf(pushed));
      return pushed;
    });
    results.push({ ...result, repository: { host: repository.host, path: repository.path } });
  }
  return results;
}

function progressText(progress: PushProgress, meter: ReturnType<typeof createTransferMeter>): string {
  const { blobs, totalBlobs } = progress;
  if (progress.stage === "looking") return `asked for ${blobs} of ${countOf(totalBlobs, "blob")}`;
  return `${meter(progress.sentBytes, progress.neededBytes)}, ${blobs} of ${countOf(totalBlobs, "blob")}`;
}

/** What was sent, and what did not have to be. */
function summaryOf({ uploaded, fetched, existing, mounted, resumed }: PushResult): string {
  return [
    `${formatSize(uploaded.bytes)} sent${fetched.blobs > 0 ? ` (${formatSize(fetched.bytes)} fetched for it)` : ""}`,
    ...(resumed.blobs > 0 ? [`${formatSize(resumed.bytes)} were left by an interrupted push`] : []),
    `${countOf(existing.blobs, "blob")} there already`,
    ...(mounted.blobs > 0 ? [`${mounted.blobs} mounted`] : []),
  ].join(", ");
}
