import { type Baseline, takeBaseline } from "../capture/baseline.ts";
import type { Engine } from "../cluster/engine.ts";
import { kindProvider } from "../cluster/kind.ts";
import { localNodeImages, nodeImageFor } from "../cluster/node-image.ts";
import { findKind } from "../cluster/tools.ts";
import type { Cluster } from "../cluster/types.ts";
import { waitReady } from "../cluster/wait-ready.ts";
import type { ContentSource, PullEvent } from "../registry/types.ts";
import { type EmbeddedProxy, openProxy } from "./embedded-proxy.ts";
import type { Host } from "./host.ts";

export interface ClusterBootOptions {
  readonly engine: Engine;
  /** KUBEVERSION, when the Kubefile or the artifact has one. */
  readonly kubeVersion: string | undefined;
  readonly nodeImage: string | undefined;
  readonly kindConfig: string | undefined;
  readonly withoutDefaultNetwork: boolean;
  readonly source: ContentSource;
  readonly onPull: (event: PullEvent) => void;
  readonly signal: AbortSignal;
}

/**
 * A cluster whose every pull comes to us, before anything of the launch is in it. Disposing ends our side, the proxy and
 * the connections; the cluster itself goes with its run.
 */
export interface PreparedCluster extends AsyncDisposable {
  readonly cluster: Cluster;
  readonly proxy: EmbeddedProxy;
  readonly nodeImage: string;
  readonly baseline: Baseline;
}

const READY_TIMEOUT = 120_000;
const ACCOUNT_TIMEOUT = 30_000;

/** Boots a kind cluster, takes over its pulls, and notes what runs in it by itself. */
export async function prepareCluster(host: Host, options: ClusterBootOptions): Promise<PreparedCluster> {
  const { engine, signal } = options;
  const booted = await host.progress.phase("kind cluster", async (phase) => {
    const local = await localNodeImages(engine, signal);
    const nodeImage = nodeImageFor({ kubeVersion: options.kubeVersion, override: options.nodeImage, local });
    const kind = await findKind({
      directories: host.searchPath.split(":"),
      cacheDirectory: host.directories.tools,
      platform: `${process.platform}/${process.arch}`,
      signal,
      onProgress: phase.update,
    });
    const provider = kindProvider({
      engine,
      kind: kind.path,
      stateDirectory: host.directories.state,
      owner: host.owner,
    });
    const cluster = await provider.create({
      runId: host.runId,
      nodeImage,
      ...(options.kindConfig === undefined ? {} : { kindConfig: options.kindConfig }),
      withoutDefaultNetwork: options.withoutDefaultNetwork,
      signal,
      onProgress: phase.update,
    });
    phase.summary(`${nodeImage}, ${cluster.nodes.length === 1 ? "one node" : `${cluster.nodes.length} nodes`}`);
    return { cluster, nodeImage };
  });
  const { cluster } = booted;
  return host.progress.phase("proxy", async (phase) => {
    phase.update("a canary pull must reach us from each node");
    let proxy: EmbeddedProxy | undefined;
    const dispose = async (): Promise<void> => {
      await proxy?.close();
      await cluster.close();
    };
    try {
      proxy = await openProxy(host, { engine, cluster, source: options.source, onPull: options.onPull, signal });
      phase.update("waiting for the node");
      if (!options.withoutDefaultNetwork) await waitReady(cluster, { signal, timeout: READY_TIMEOUT });
      await waitForDefaultAccount(cluster, signal);
      const baseline = await takeBaseline(cluster.api, { signal });
      phase.summary(`all pulls of the nodes go through ${proxy.endpoint.address}:${proxy.endpoint.port}`);
      return { ...booted, proxy, baseline, [Symbol.asyncDispose]: dispose };
    } catch (error) {
      await dispose();
      throw error;
    }
  });
}

/** Pods are refused in the first seconds of a namespace's life, until it has its ServiceAccount. */
async function waitForDefaultAccount(cluster: Cluster, signal: AbortSignal): Promise<void> {
  const found = new AbortController();
  await cluster.api.watch(
    "/api/v1/namespaces/default/serviceaccounts",
    ({ object }) => {
      if (object.metadata.name === "default") found.abort();
    },
    AbortSignal.any([signal, found.signal, AbortSignal.timeout(ACCOUNT_TIMEOUT)]),
  );
}
