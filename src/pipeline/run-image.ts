import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createCommandTimeline } from "../capture/command-times.ts";
import { createPullRecorder } from "../capture/recorder.ts";
import { startWorkloadWatcher } from "../capture/workload-watcher.ts";
import { connectEngine } from "../cluster/engine.ts";
import { processIdentity } from "../cluster/process-identity.ts";
import { readRun } from "../cluster/run-state.ts";
import { KubefileError } from "../error.ts";
import { createWorkspace } from "../rootfs/workspace.ts";
import { openStore } from "../store/store.ts";
import { prepareArtifactCluster, removeIdleImages, unpackRootfs } from "./artifact-cluster.ts";
import type { Host } from "./host.ts";
import { launchAndSettle } from "./launch-and-settle.ts";
import { startLaunchContainer } from "./launch-container.ts";
import { selectCommands } from "./launch-selection.ts";
import { withRun, workDirectory } from "./run-lifetime.ts";
import type { ServeSettings } from "./serve.ts";
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
  if ((await readRun(host.directories.state, host.runId)) !== undefined) {
    throw new KubefileError("USAGE", `there is a run named ${host.runId} already`, {
      hint: "choose another --name, or remove it with `kubefile clean --all`",
    });
  }
  const store = await openStore(host.directories.store);
  host.trustRegistry(options.reference.host);
  try {
    return await withRun(host, engine, "on success", async (run) => {
      const recorder = createPullRecorder();
      const prepared = await prepareArtifactCluster(host, {
        ...{ engine, store, reference: options.reference },
        nodeImage: options.nodeImage,
        kindConfig: options.kindConfig,
        keep: true,
        onPull: recorder.onEvent,
      });
      const { cluster, proxy, image, baseline } = prepared;
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
          await using container = await startLaunchContainer({
            ...{ engine, run, cluster, phase, signal, image: options.runImage, root: workspace.root },
          });
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
        await proxy.close();
      }
      const settings: ServeSettings = {
        store: store.directory,
        digest: image.digest,
        ...proxy.endpoint,
        node: cluster.nodes[0]?.name ?? "",
      };
      await writeFile(join(run.names.directory, "serve.json"), JSON.stringify(settings), { mode: 0o600 });
      const pid = await startServer(options.serveCommand(run.names.directory));
      const server = await processIdentity(pid);
      if (server === undefined) throw new KubefileError("INTERNAL", "the image server ended at once");
      await run.setServer(server);
      return { cluster: cluster.name, kubeconfig: cluster.kubeconfig };
    });
  } finally {
    await store.close();
  }
}

/** Starts the server apart from this process and its terminal; resolves when it says that it listens. */
async function startServer([command, ...args]: readonly [string, ...string[]]): Promise<number> {
  const child = spawn(command, args, { detached: true, stdio: ["ignore", "pipe", "ignore"] });
  const { pid, stdout } = child;
  const outcome = await Promise.race([
    once(stdout, "data").then(() => "listening" as const),
    once(child, "exit").then(() => "ended" as const),
  ]);
  stdout.destroy();
  child.unref();
  if (pid === undefined || outcome === "ended") {
    throw new KubefileError("INTERNAL", "the image server could not start");
  }
  return pid;
}
