import type { Baseline } from "../capture/baseline.ts";
import type { Engine } from "../cluster/engine.ts";
import { enginePlatform } from "../cluster/engine-platform.ts";
import { nodeImages, removeImages, runningImages } from "../cluster/node-images.ts";
import type { Run } from "../cluster/run-state.ts";
import type { Cluster } from "../cluster/types.ts";
import { KubefileError } from "../error.ts";
import { type ClusterImage, rootfsLayers } from "../image/cluster-image.ts";
import { fetchClusterImage, fetchDescription } from "../image/load.ts";
import { checkWhole, readClusterImage } from "../image/read.ts";
import { countOf, formatSize } from "../image/text-table.ts";
import { formatPlatform, type Platform } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { formatReference, type Reference, tryParseReference } from "../oci/reference.ts";
import { bringsNetwork } from "../plan/own-network.ts";
import { type ArtifactSource, createArtifactSource } from "../registry/artifact-source.ts";
import type { PullEvent } from "../registry/types.ts";
import { applyStoredLayer } from "../rootfs/stored-layer.ts";
import type { Store } from "../store/types.ts";
import { type PreparedCluster, prepareCluster } from "./cluster-boot.ts";
import type { Host } from "./host.ts";
import type { Phase } from "./progress.ts";
import { together } from "./together.ts";

/** Where a cluster image is: at its registry, or whole in the store since it was built here. */
export type ArtifactPlace =
  | {
      readonly kind: "registry";
      readonly reference: Reference;
      /** Which to take of an index, and the only one that will do; of an index the engine's when absent. */
      readonly platform?: Platform | undefined;
    }
  | { readonly kind: "store"; readonly digest: Digest };

export interface ArtifactClusterOptions {
  readonly engine: Engine;
  readonly run: Run;
  readonly runImage: string;
  readonly store: Store;
  readonly artifact: ArtifactPlace;
  readonly nodeImage: string | undefined;
  readonly kindConfig: string | undefined;
  readonly onPull: (event: PullEvent) => void;
  /** Hears what the image is before anything is made for it; throws when that will not do. */
  readonly onDescribed: (image: ClusterImage) => void;
}

export interface ArtifactCluster extends PreparedCluster {
  readonly image: ClusterImage;
  readonly source: ArtifactSource;
}

/** Fetches a cluster image while a cluster boots whose nodes get images from that cluster image and from nowhere else. */
export async function prepareArtifactCluster(host: Host, options: ArtifactClusterOptions): Promise<ArtifactCluster> {
  const { engine, run, runImage, store, artifact } = options;
  const { client, progress } = host;
  const described = await progress.phase("artifact", async (phase) => {
    phase.update("manifest and config");
    const own = await enginePlatform(engine, host.signal);
    const image =
      artifact.kind === "store"
        ? await readClusterImage(store, artifact.digest)
        : await fetchDescription({ ...artifact, client, store, ownPlatform: own, signal: host.signal });
    requireEngine(image, own, artifact);
    options.onDescribed(image);
    phase.summary(`${countOf(image.config.images.length, "image")}, grade ${image.config.grade}`);
    return image;
  });
  const source = createArtifactSource({ store, images: described.config.images });
  const [image, prepared] = await together(
    host.signal,
    (signal) =>
      progress.phase("blobs", async (phase) => {
        const whole = await wholeImage(host, options, described, phase, signal);
        phase.summary(countOf(whole.blobs.length, "blob"));
        return whole;
      }),
    (signal) =>
      prepareCluster(host, {
        ...{ engine, run, runImage },
        kubeVersion: described.config.kubernetesVersion,
        nodeImage: options.nodeImage,
        lockedNodeImage: undefined,
        kindConfig: options.kindConfig,
        withoutDefaultNetwork: bringsNetwork(described.config.labels),
        source,
        onPull: options.onPull,
        signal,
      }),
  );
  return { ...prepared, image, source };
}

/** Its programs would not start, and images of its platform are all that it has. */
function requireEngine({ digest, config }: ClusterImage, own: Platform, artifact: ArtifactPlace): void {
  if (config.platform.os === own.os && config.platform.architecture === own.architecture) return;
  const name = artifact.kind === "registry" ? formatReference(artifact.reference) : digest;
  const message = `${name} is for ${formatPlatform(config.platform)}, and the engine runs ${formatPlatform(own)}`;
  throw new KubefileError("UNSUPPORTED", message, { hint: "launch it on a machine of that platform" });
}

/** Sees to it that every blob is in the store. */
async function wholeImage(
  { client }: Host,
  { store, artifact }: ArtifactClusterOptions,
  described: ClusterImage,
  phase: Phase,
  signal: AbortSignal,
): Promise<ClusterImage> {
  if (artifact.kind === "store") {
    await checkWhole(store, described);
    return described;
  }
  return await fetchClusterImage({
    ...{ client, store, signal },
    reference: { ...artifact.reference, digest: described.digest },
    onProgress: ({ blobs, totalBlobs, bytes }) => phase.update(`${blobs} of ${totalBlobs} blobs, ${formatSize(bytes)}`),
  });
}

/** Unpacks a cluster image's rootfs into an empty directory. */
export async function unpackRootfs(
  image: ClusterImage,
  store: Store,
  root: string,
  signal: AbortSignal,
): Promise<void> {
  for (const [position, descriptor] of rootfsLayers(image).entries()) {
    const diffId = image.config.rootfs.diffIds[position];
    if (diffId !== undefined) await applyStoredLayer(root, { descriptor, diffId }, store, { signal });
  }
}

/**
 * Takes from the nodes every image that the cluster itself does not need, so that a launch cannot succeed with what a
 * node image happens to bring along. What the baseline names stays even when it does not run yet, and so does the
 * sandbox image, which containerd needs for each pod.
 */
export async function removeIdleImages(
  engine: Engine,
  cluster: Cluster,
  baseline: Baseline,
  signal: AbortSignal,
): Promise<void> {
  const named = new Set(
    [...baseline.images.values()].flatMap((images) => [...images]).flatMap((image) => fullReference(image) ?? []),
  );
  await Promise.all(
    cluster.nodes.map(async (node) => {
      const [held, running] = await Promise.all([
        nodeImages(engine, node, signal),
        runningImages(engine, node, signal),
      ]);
      const isNeeded = (name: string): boolean =>
        running.has(name) || named.has(fullReference(name) ?? "") || /\/pause[:@]/.test(name);
      // One image has several names there: by tag, by digest, by the id of its config.
      const kept = new Set(held.filter(({ name }) => isNeeded(name)).map(({ digest }) => digest));
      const idle = held.filter(({ digest }) => !kept.has(digest)).map(({ name }) => name);
      await removeImages(engine, node, idle, signal);
    }),
  );
}

function fullReference(text: string): string | undefined {
  const reference = tryParseReference(text);
  return reference === undefined ? undefined : formatReference(reference);
}
