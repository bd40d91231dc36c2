import { connectEngine } from "../cluster/engine.ts";
import { isRunNameTaken } from "../cluster/run-removal.ts";
import { nameTaken } from "../cluster/run-state.ts";
import { openStore } from "../store/store.ts";
import { type ArtifactLaunch, launchArtifact } from "./artifact-launch.ts";
import { startArtifactServer } from "./artifact-server.ts";
import type { Host } from "./host.ts";
import { withRun } from "./run-lifetime.ts";

export interface RunOptions extends ArtifactLaunch {
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
  const store = await openStore(host.directories.store, { signal: host.signal });
  if (options.artifact.kind === "registry") host.trustRegistry(options.artifact.reference.host);
  try {
    return await withRun(host, engine, "on success", async (run) => {
      const { prepared } = await launchArtifact(host, {
        ...{ engine, run, store, launch: options },
        phase: "launch",
        networkCut: false,
      });
      const { cluster, image, proxy } = prepared;
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
