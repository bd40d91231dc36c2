import type { CommandTimeline } from "../capture/command-times.ts";
import type { ImageObservation } from "../capture/observation.ts";
import type { PullRecorder } from "../capture/recorder.ts";
import { type SettleProgress, waitSettled, watchPullFailures } from "../capture/settle.ts";
import type { Grade } from "../capture/types.ts";
import type { WorkloadWatcher } from "../capture/workload-watcher.ts";
import type { Cluster, CommandContainer } from "../cluster/types.ts";
import type { Location } from "../error.ts";
import { countOf } from "../image/text-table.ts";
import type { LaunchCommand } from "../image/types.ts";
import type { Host } from "./host.ts";
import { runLaunch } from "./launch.ts";
import type { Phase } from "./progress.ts";
import { together } from "./together.ts";

export interface SettlingLaunch {
  readonly cluster: Cluster;
  readonly container: CommandContainer;
  readonly commands: readonly LaunchCommand[];
  readonly env: Readonly<Record<string, string>>;
  /** What the user gives at the launch; wins over everything. */
  readonly overrides?: Readonly<Record<string, string>>;
  readonly watcher: WorkloadWatcher;
  readonly recorder: PullRecorder;
  readonly timeline: CommandTimeline;
  readonly wait: "ready" | "pulled";
  /** Milliseconds. */
  readonly quietWindow: number;
  /** Milliseconds for the commands and the settling together. */
  readonly timeout: number;
  readonly networkCut: boolean;
  readonly phase: Phase;
}

/**
 * Runs the launch commands and waits until what they started has settled.
 *
 * @returns the grade that a capture of it may claim
 * @throws KubefileError LAUNCH_FAILED, PULL_FAILED, NOT_SETTLED
 */
export async function launchAndSettle(host: Host, launch: SettlingLaunch): Promise<Grade> {
  const { watcher, recorder, timeline, phase } = launch;
  const end = host.now() + launch.timeout;
  const locate = ({ firstSeen }: ImageObservation): Location | undefined => timeline.locate(firstSeen);
  const commandsDone = new AbortController();
  // A command may wait for pods that never come up: their failure ends it, not its own time limit.
  await together(
    host.signal,
    (signal) =>
      watchPullFailures({ watcher, recorder, locate, signal: AbortSignal.any([signal, commandsDone.signal]) }),
    async (signal) => {
      await runLaunch({
        ...{ container: launch.container, commands: launch.commands, env: launch.env, timeline, phase, signal },
        ...(launch.overrides === undefined ? {} : { overrides: launch.overrides }),
        timeout: launch.timeout,
        now: host.now,
        networkCut: launch.networkCut,
      });
      commandsDone.abort();
    },
  );
  const grade = await waitSettled({
    api: launch.cluster.api,
    ...{ watcher, recorder, locate },
    mode: launch.wait,
    quietWindow: launch.quietWindow,
    timeout: Math.max(1_000, end - host.now()),
    signal: host.signal,
    onProgress: (progress) => phase.update(settleLine(progress)),
  });
  phase.summary(`settled, grade ${grade}`);
  return grade;
}

/** `3 of 5 pods ready, 7 images; quiet window`. */
function settleLine({ podsReady, podsTotal, images, waitingFor }: SettleProgress): string {
  const first = waitingFor[0] === undefined ? "" : `; ${waitingFor[0]}`;
  return `${podsReady} of ${countOf(podsTotal, "pod")} ready, ${countOf(images, "image")}${first}`;
}
