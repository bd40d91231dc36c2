import { type Baseline, takeBaseline } from "../capture/baseline.ts";
import type { Engine } from "../cluster/engine.ts";
import { kindProvider } from "../cluster/kind.ts";
import { localNodeImages, nodeImageFor } from "../cluster/node-image.ts";
import type { Run } from "../cluster/run-state.ts";
import { findKind } from "../cluster/tools.ts";
import type { Cluster, CommandContainer } from "../cluster/types.ts";
import { waitReady } from "../cluster/wait-ready.ts";
import type { ContentSource, PullEvent } from "../registry/types.ts";
import { type EmbeddedProxy, openProxy } from "./embedded-proxy.ts";
import type { Host } from "./host.ts";
import { startLaunchContainer } from "./launch-container.ts";
import { together } from "./together.ts";

export interface ClusterBootOptions {
  readonly engine: Engine;
  readonly run: Run;
  /** The launch container's image. */
  readonly runImage: string;
  /** KUBEVERSION, when the Kubefile or the artifact has one. */
  readonly kubeVersion: string | undefined;
  readonly nodeImage: string | undefined;
  /** By a lock: taken when nothing else was asked for. */
  readonly lockedNodeImage: string | undefined;
  readonly kindConfig: string | undefined;
  readonly withoutDefaultNetwork: boolean;
  readonly source: ContentSource;
  readonly onPull: (event: PullEvent) => void;
  readonly signal: AbortSignal;
}

/**
 * A cluster whose every pull comes to us, before anything of the launch is in it. Disposing ends our side, the launch
 * container, the proxy and the connections; the cluster itself goes with its run.
 */
export interface PreparedCluster extends Booted, TakenOver {
  /** In the control plane's network; nothing is in it yet. */
  readonly container: CommandContainer;
}

interface Booted {
  readonly cluster: Cluster;
  readonly nodeImage: string;
}

interface TakenOver extends AsyncDisposable {
  readonly proxy: EmbeddedProxy;
  readonly baseline: Baseline;
}

const READY_TIMEOUT = 120_000;
const ACCOUNT_TIMEOUT = 30_000;

/** Boots a kind cluster, takes over its pulls, notes what runs in it by itself, and starts the launch container. */
export async function prepareCluster(host: Host, options: ClusterBootOptions): Promise<PreparedCluster> {
  const booted = await bootCluster(host, options);
  const { cluster } = booted;
  try {
    const [takenOver, container] = await together(
      options.signal,
      (signal) => takeOverPulls(host, cluster, { ...options, signal }),
      (signal) => startLaunchContainer(host, cluster, { ...options, signal }),
    );
    const dispose = async (): Promise<void> => {
      await Promise.all([container[Symbol.asyncDispose](), takenOver[Symbol.asyncDispose]()]);
      await cluster.close();
    };
    return { ...booted, ...takenOver, container, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await cluster.close();
    throw error;
  }
}

async function bootCluster(host: Host, options: ClusterBootOptions): Promise<Booted> {
  const { engine, signal } = options;
  return host.progress.phase("kind cluster", async (phase) => {
    const [local, kind] = await together(
      signal,
      (shared) => localNodeImages(engine, shared),
      (shared) =>
        findKind({
          directories: host.searchPath.split(":"),
          cacheDirectory: host.directories.tools,
          platform: `${process.platform}/${process.arch}`,
          signal: shared,
          onProgress: phase.update,
        }),
    );
    const nodeImage = nodeImageFor({
      ...{ kubeVersion: options.kubeVersion, override: options.nodeImage, locked: options.lockedNodeImage, local },
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
}

async function takeOverPulls(host: Host, cluster: Cluster, options: ClusterBootOptions): Promise<TakenOver> {
  const { engine, source, onPull, signal } = options;
  return host.progress.phase("proxy", async (phase) => {
    phase.update("a canary pull must reach us from each node");
    const proxy = await openProxy(host, { engine, cluster, source, onPull, signal });
    try {
      phase.update("waiting for the node");
      if (!options.withoutDefaultNetwork) await waitReady(cluster, { signal, timeout: READY_TIMEOUT });
      await waitForDefaultAccount(cluster, signal);
      const baseline = await takeBaseline(cluster.api, { signal });
      phase.summary(`all pulls of the nodes go through ${proxy.endpoint.address}:${proxy.endpoint.port}`);
      return { proxy, baseline, [Symbol.asyncDispose]: () => proxy.close() };
    } catch (error) {
      await proxy.close();
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
