import { createCommandTimeline } from "../capture/command-times.ts";
import { createPullRecorder } from "../capture/recorder.ts";
import { startWorkloadWatcher } from "../capture/workload-watcher.ts";
import type { Engine } from "../cluster/engine.ts";
import type { Run } from "../cluster/run-state.ts";
import { createWorkspace } from "../rootfs/workspace.ts";
import type { Store } from "../store/types.ts";
import {
  type ArtifactCluster,
  type ArtifactPlace,
  prepareArtifactCluster,
  removeIdleImages,
  unpackRootfs,
} from "./artifact-cluster.ts";
import { applyValues, type ChartValues } from "./chart-values.ts";
import type { Host } from "./host.ts";
import { failureFile, keepFailure } from "./kept-failure.ts";
import { launchAndSettle } from "./launch-and-settle.ts";
import { copyRootfs } from "./launch-container.ts";
import { selectCommands } from "./launch-selection.ts";
import type { Phase } from "./progress.ts";
import { workDirectory } from "./run-lifetime.ts";

/** Which cluster image to launch and how, as run, verify and preview are told. */
export interface ArtifactLaunch {
  readonly artifact: ArtifactPlace;
  readonly nodeImage: string | undefined;
  readonly kindConfig: string | undefined;
  readonly runImage: string;
  /** Values of the site, over those of the image. */
  readonly env: Readonly<Record<string, string>>;
  /** Applications to launch; all when empty. */
  readonly apps: readonly string[];
  /** Values of the site for charts, over those of the image. */
  readonly values: readonly ChartValues[];
  /** Milliseconds. */
  readonly quietWindow: number;
  /** Milliseconds. */
  readonly timeout: number;
}

export interface ArtifactLaunchParts {
  readonly engine: Engine;
  readonly run: Run;
  readonly store: Store;
  readonly launch: ArtifactLaunch;
  readonly phase: string;
  /** True when `beforeLaunch` cuts the network. */
  readonly networkCut: boolean;
  /** Hears of the cluster as soon as it is there, whatever becomes of the launch. */
  readonly onPrepared?: (prepared: ArtifactCluster) => void;
  /** The rootfs is in place, and nothing of the launch has run yet. */
  readonly beforeLaunch?: (prepared: ArtifactCluster, phase: Phase) => Promise<void>;
  /** The launch has settled, and everything of it is up as long as this goes on. */
  readonly whileUp?: (prepared: ArtifactCluster) => Promise<void>;
  /** The last look at the cluster, whatever became of the launch; must not throw. */
  readonly beforeEnd?: (prepared: ArtifactCluster) => Promise<void>;
}

/** A launch that has settled. Our side of its cluster has ended; the cluster goes on as long as its run. */
export interface LaunchedArtifact {
  readonly prepared: ArtifactCluster;
  /** Of the launch, in any state but deleted. */
  readonly pods: number;
}

/** Launches a cluster image in a cluster of its own, images from the artifact alone, and waits until it has settled. */
export async function launchArtifact(host: Host, parts: ArtifactLaunchParts): Promise<LaunchedArtifact> {
  const { engine, run, store, launch } = parts;
  const { signal } = host;
  const recorder = createPullRecorder();
  const prepared = await prepareArtifactCluster(host, {
    ...{ engine, run, store, artifact: launch.artifact, runImage: launch.runImage },
    nodeImage: launch.nodeImage,
    kindConfig: launch.kindConfig,
    onPull: recorder.onEvent,
    onDescribed: ({ config }) => selectCommands(config, launch.apps),
  });
  const { cluster, container, image, baseline } = prepared;
  try {
    parts.onPrepared?.(prepared);
    await using workspace = await createWorkspace(workDirectory(run));
    await unpackRootfs(image, store, workspace.root, signal);
    for (const values of launch.values) await applyValues(workspace.root, values);
    await removeIdleImages(engine, cluster, baseline, signal);
    const launched = await host.progress.phase(parts.phase, async (phase) => {
      await copyRootfs(container, workspace.root, signal);
      await parts.beforeLaunch?.(prepared, phase);
      const watching = new AbortController();
      const watcher = startWorkloadWatcher(cluster.api, {
        signal: AbortSignal.any([signal, watching.signal]),
        baseline,
      });
      try {
        await launchAndSettle(host, {
          ...{ cluster, container, watcher, recorder, phase },
          timeline: createCommandTimeline(() => new Date()),
          commands: selectCommands(image.config, launch.apps),
          env: image.config.env,
          overrides: launch.env,
          wait: image.config.grade === "pulled" ? "pulled" : "ready",
          quietWindow: launch.quietWindow,
          timeout: launch.timeout,
          networkCut: parts.networkCut,
        });
        const pods = watcher.objects().filter(({ object, deleted }) => object.kind === "Pod" && !deleted).length;
        return { prepared, pods };
      } finally {
        watching.abort();
        await watcher.done;
      }
    });
    await parts.whileUp?.(prepared);
    return launched;
  } catch (error) {
    await keepFailure(host, prepared, failureFile(error));
    throw error;
  } finally {
    await parts.beforeEnd?.(prepared);
    await prepared[Symbol.asyncDispose]();
  }
}
