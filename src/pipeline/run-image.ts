import { createCommandTimeline } from "../capture/command-times.ts";
import { createPullRecorder } from "../capture/recorder.ts";
import { startWorkloadWatcher } from "../capture/workload-watcher.ts";
import { connectEngine } from "../cluster/engine.ts";
import { isRunNameTaken } from "../cluster/run-removal.ts";
import { nameTaken } from "../cluster/run-state.ts";
import { createWorkspace } from "../rootfs/workspace.ts";
import { openStore } from "../store/store.ts";
import { prepareArtifactCluster, removeIdleImages, unpackRootfs } from "./artifact-cluster.ts";
import { startArtifactServer } from "./artifact-server.ts";
import type { Host } from "./host.ts";
import { launchAndSettle } from "./launch-and-settle.ts";
import { copyRootfs } from "./launch-container.ts";
import { selectCommands } from "./launch-selection.ts";
import { withRun, workDirectory } from "./run-lifetime.ts";
import type { VerifyOptions } from "./verify.ts";

export interface RunOptions extends VerifyOptions {
  /** Starts `kubefile serve` for this run's directory, apart from this process. */
  readonly serveCommand: (runDirectory: string) => readonly [string, ...string[]];
}

export interface RunningImage {
  readonly cluster: string;
  readonly kubeconfig: string;
}

/**
 * Launches a cluster image in a kind cluster that stays, images from the artifact alone. The registry that the cluster
 * asks goes on in a process of its own, until the cluster is gone.
 */
export async function runImage(host: Host, options: RunOptions): Promise<RunningImage> {
  const engine = await connectEngine(host.engineEnvironment, host.signal);
  const { signal } = host;
  if (await isRunNameTaken(host.runId, { engine, stateDirectory: host.directories.state, signal })) {
    throw nameTaken(host.runId);
  }
  const store = await openStore(host.directories.store);
  host.trustRegistry(options.reference.host);
  try {
    return await withRun(host, engine, "on success", async (run) => {
      const recorder = createPullRecorder();
      const prepared = await prepareArtifactCluster(host, {
        ...{ engine, run, store, reference: options.reference },
        runImage: options.runImage,
        nodeImage: options.nodeImage,
        kindConfig: options.kindConfig,
        onPull: recorder.onEvent,
      });
      const { cluster, container, proxy, image, baseline } = prepared;
      const watching = new AbortController();
      const watcher = startWorkloadWatcher(cluster.api, {
        signal: AbortSignal.any([signal, watching.signal]),
        baseline,
      });
      try {
        await using workspace = await createWorkspace(workDirectory(run));
        await unpackRootfs(image, store, workspace.root, signal);
        await removeIdleImages(engine, cluster, baseline, signal);
        await host.progress.phase("launch", async (phase) => {
          await copyRootfs(container, workspace.root, signal);
          await launchAndSettle(host, {
            ...{ cluster, container, watcher, recorder, phase },
            timeline: createCommandTimeline(() => new Date()),
            commands: selectCommands(image.config, options.apps),
            env: image.config.env,
            overrides: options.env,
            wait: image.config.grade === "pulled" ? "pulled" : "ready",
            quietWindow: options.quietWindow,
            timeout: options.timeout,
            networkCut: false,
          });
        });
      } finally {
        watching.abort();
        await watcher.done;
        await prepared[Symbol.asyncDispose]();
      }
      await startArtifactServer({
        run,
        settings: {
          runId: host.runId,
          stateDirectory: host.directories.state,
          store: store.directory,
          digest: image.digest,
          ...proxy.endpoint,
          node: cluster.nodes[0]?.name ?? "",
        },
        command: options.serveCommand,
        environment: host.engineEnvironment,
      });
      return { cluster: cluster.name, kubeconfig: cluster.kubeconfig };
    });
  } finally {
    await store.close();
  }
}
