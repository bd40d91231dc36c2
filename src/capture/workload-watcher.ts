import type { KubernetesApi, WatchEvent } from "../cluster/types.ts";
import type { Baseline } from "./baseline.ts";
import { type Clock, sleep, systemClock } from "./clock.ts";
import { createLaunchObjects, type LaunchObjects } from "./launch-objects.ts";
import type { ImageObservation } from "./observation.ts";
import { type PullSecret, pullSecretOf, pullSecretTypes } from "./pull-secret.ts";
import { workloadKinds } from "./template-of.ts";
import { createWarningEvents, PULLING, type WarningEvent } from "./warning-events.ts";

/** What the API server tells of the launch while it is rehearsed. */
export interface WorkloadWatcher extends Omit<LaunchObjects, "apply" | "has"> {
  /**
   * Waits until everything that the API server holds now has been seen: an answer to a launch command may overtake the
   * watch that tells of its effect. Errors are KubernetesApiError.
   */
  caughtUp(signal: AbortSignal): Promise<void>;
  /** Warnings of one object, oldest first; that a pull has begun is among them. */
  warnings(uid: string): readonly WarningEvent[];
  /** Why watching has ended before it was told to. What was seen so far stays readable. */
  readonly failure: unknown;
  /** Resolves when every watch has ended after an abort. */
  readonly done: Promise<void>;
}

export interface WorkloadWatcherOptions {
  /** Ends the watches. */
  readonly signal: AbortSignal;
  readonly baseline: Baseline;
  /** Called once for each image of each object of the launch, as soon as it is seen. */
  readonly onImage?: (observation: ImageObservation) => void;
  /** Called for each Secret with registry credentials, there already or new or changed. */
  readonly onPullSecret?: (secret: PullSecret) => void;
  readonly clock?: Clock;
}

/** Milliseconds between two lists. */
const CATCH_UP_PERIOD = 100;

/**
 * Watches every kind that is a pod or makes pods, warnings, and pull secrets, until the signal aborts. Start it between
 * the baseline and the launch: what was made before is told apart by the baseline alone.
 */
export function startWorkloadWatcher(api: KubernetesApi, options: WorkloadWatcherOptions): WorkloadWatcher {
  const { signal, baseline, onImage, onPullSecret, clock = systemClock } = options;
  const objects = createLaunchObjects({ baseline, now: clock.now, ...(onImage === undefined ? {} : { onImage }) });
  const events = createWarningEvents();
  let failure: unknown;

  const watches: { readonly path: string; readonly onEvent: (event: WatchEvent) => void }[] = [
    ...workloadKinds.map(({ path }) => ({ path, onEvent: objects.apply })),
    { path: `/api/v1/events?${fieldSelector("type=Warning")}`, onEvent: ({ object }) => events.apply(object) },
    { path: `/api/v1/events?${fieldSelector(`reason=${PULLING}`)}`, onEvent: ({ object }) => events.apply(object) },
  ];
  if (onPullSecret !== undefined) {
    const onEvent = ({ type, object }: WatchEvent): void => {
      const secret = type === "DELETED" ? undefined : pullSecretOf(object);
      if (secret !== undefined) onPullSecret(secret);
    };
    for (const type of pullSecretTypes) {
      watches.push({ path: `/api/v1/secrets?${fieldSelector(`type=${type}`)}`, onEvent });
    }
  }
  const running = watches.map(async ({ path, onEvent }) => {
    try {
      await api.watch(path, onEvent, signal);
    } catch (error) {
      if (!signal.aborted) failure ??= error;
    }
  });

  return {
    objects: objects.objects,
    observations: objects.observations,
    startedContainers: objects.startedContainers,
    lastNews: objects.lastNews,
    newsSince: objects.newsSince,
    async caughtUp(stop) {
      while (!stop.aborted && failure === undefined) {
        const lists = await Promise.all(workloadKinds.map(({ path }) => api.list(path, { signal: stop })));
        if (lists.every(({ items }) => items.every(({ metadata }) => objects.has(metadata.uid)))) return;
        await sleep(clock, CATCH_UP_PERIOD, stop);
      }
    },
    warnings: events.of,
    get failure() {
      return failure;
    },
    done: Promise.all(running).then(() => undefined),
  };
}

function fieldSelector(text: string): string {
  return `fieldSelector=${encodeURIComponent(text)}`;
}
