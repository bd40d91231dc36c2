import { type ClusterIndex, platformReference, writeClusterIndex } from "../image/cluster-index.ts";
import { type BuildMetadata, indexMetadata } from "../image/metadata.ts";
import { exportOciLayout } from "../image/oci-layout.ts";
import type { BuildReport } from "../image/report.ts";
import { formatSize } from "../image/text-table.ts";
import { formatPlatform, type Platform } from "../oci/descriptor.ts";
import { formatReference, type Reference } from "../oci/reference.ts";
import { openStore } from "../store/store.ts";
import type { Store } from "../store/types.ts";
import { type BuildResult, type BuildWatcher, build } from "./build.ts";
import type { Host } from "./host.ts";
import { bytesAway, forgetHere, nameHere } from "./local-image.ts";
import type { BuildOptions } from "./options.ts";
import { checkOutputFiles, writeJson } from "./output-files.ts";
import { platformProgress } from "./platform-progress.ts";
import { pushTargets } from "./push.ts";
import { putIndexes } from "./push-index.ts";

/** What builds for several platforms came to. */
export interface BuiltIndex {
  readonly index: ClusterIndex;
  /** Names of the index; where no tag was moved, by its digest. */
  readonly references: readonly string[];
  /** In the order in which they were built. */
  readonly results: readonly BuildResult[];
  readonly metadata: BuildMetadata;
}

/** What `--report` holds when there are several platforms (schemas/index-report.schema.json). */
export interface IndexReport {
  readonly schemaVersion: 1;
  /** Of the index. */
  readonly digest: string;
  readonly references: readonly string[];
  readonly platforms: readonly BuildReport[];
}

/**
 * Builds a cluster image for each of several platforms, one after the other, each with a tag of its own, and puts an
 * index over them under the tags that were asked for. A name that one of them has resolved stands for the same in all.
 *
 * @throws KubefileError as a build does
 */
export async function buildPlatforms(
  host: Host,
  options: BuildOptions,
  platforms: readonly Platform[],
  watcher: BuildWatcher = {},
): Promise<BuiltIndex> {
  const { tags, outputs, metadataFile, reportFile } = options;
  await checkOutputFiles(
    [...outputs.map(({ destination }) => destination), metadataFile, reportFile].filter((file) => file !== undefined),
  );
  const results: BuildResult[] = [];
  for (const [position, platform] of platforms.entries()) {
    const own = { platform, tags: tags.map((tag) => platformReference(tag, platform)) };
    const result = await build(
      { ...host, progress: platformProgress(host.progress, formatPlatform(platform)) },
      { ...options, ...own, outputs: [], metadataFile: undefined },
      watcher,
      {
        used: results.flatMap(({ used }) => used),
        areMore: position + 1 < platforms.length,
        bringAll: outputs.length > 0,
      },
    );
    results.push(result);
  }
  const store = await openStore(host.directories.store);
  try {
    return await joinResults(host, options, store, results);
  } finally {
    await store.close();
  }
}

async function joinResults(
  host: Host,
  options: BuildOptions,
  store: Store,
  results: readonly BuildResult[],
): Promise<BuiltIndex> {
  const { outputs, metadataFile, reportFile } = options;
  const index = await host.progress.phase("index", async (phase) => {
    const local = writeClusterIndex(results.map(({ image }) => image));
    await store.write(local.bytes, { expected: local.digest, signal: host.signal });
    const away = await Promise.all(local.images.map((image) => bytesAway(store, image)));
    if (away.every((bytes) => bytes === 0)) await nameHere(host, store, local, options);
    else await forgetHere(host, store, options.tags);
    const pushes = results.flatMap((result) => result.pushed);
    const pushed = options.push === false ? undefined : await putIndexes(host, store, pushes, pushTargets(options));
    const made = pushed ?? local;
    phase.summary(`${made.digest}, ${results.length} platforms`);
    return made;
  });
  for (const { destination } of outputs) {
    await host.progress.phase(`write ${destination}`, async (phase) => {
      const { size } = await exportOciLayout({
        ...{ store, destination, image: index },
        references: options.tags,
        signal: host.signal,
      });
      phase.summary(formatSize(size));
    });
  }
  const references = namesOf(options, index);
  const metadata = indexMetadata(index, references, results);
  const { digest } = index;
  const report: IndexReport = { schemaVersion: 1, digest, references, platforms: results.map((each) => each.report) };
  if (metadataFile !== undefined) await writeJson(metadataFile, metadata);
  if (reportFile !== undefined) await writeJson(reportFile, report);
  return { index, references, results, metadata };
}

function namesOf({ tags, push }: BuildOptions, { digest }: ClusterIndex): string[] {
  const byDigest = ({ host, path }: Reference): Reference => ({ host, path, digest });
  return [...new Set((push === "by digest" ? tags.map(byDigest) : tags).map(formatReference))];
}
