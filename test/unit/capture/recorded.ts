import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Baseline, baselineOf } from "../../../src/capture/baseline.ts";
import { createLaunchObjects, type LaunchObjects } from "../../../src/capture/launch-objects.ts";
import { createWarningEvents } from "../../../src/capture/warning-events.ts";
import type { WorkloadWatcher } from "../../../src/capture/workload-watcher.ts";
import type { KubernetesObject, WatchEvent } from "../../../src/cluster/types.ts";

/** What a real API server (Kubernetes 1.34.4) told while something was launched; trimmed. */
export interface Recording {
  readonly baseline: readonly KubernetesObject[];
  readonly nodes: readonly KubernetesObject[];
  readonly events: readonly WatchEvent[];
  readonly warnings: readonly WatchEvent[];
}

/**
 * `shop`: a launch that comes up, with an operator that makes two pods. `broken`: one namespace with everything that can
 * go wrong. All images have the same content, so that containerd tells one name for all of them.
 */
export function recording(name: "shop" | "broken"): Recording {
  return JSON.parse(readFileSync(join(import.meta.dirname, `../../fixtures/capture/${name}.json`), "utf8"));
}

/** Digest of the one manifest behind all images of the recordings. */
export const contentDigest = "sha256:a0a37f28621c202c0864421f280261a769d8fc9c32dd1cfd00debe83816675fd";

export function baselineOfRecording({ baseline, nodes }: Recording): Baseline {
  return baselineOf({ objects: baseline, nodes });
}

/** Begins at this time; each event comes a second after the one before. */
export const startTime = new Date("2026-01-01T00:00:00Z");

export function replay(
  source: Recording,
  options: { readonly events?: readonly WatchEvent[]; readonly baseline?: Baseline } = {},
): LaunchObjects {
  let seconds = 0;
  const launch = createLaunchObjects({
    baseline: options.baseline ?? baselineOfRecording(source),
    now: () => new Date(startTime.getTime() + 1000 * seconds),
  });
  for (const event of options.events ?? source.events) {
    launch.apply(event);
    seconds += 1;
  }
  return launch;
}

/** A watcher that has seen a recording, or the part of it that concerns the named applications. */
export function watcherOf(
  source: Recording,
  isWanted: (object: KubernetesObject) => boolean = () => true,
): Omit<WorkloadWatcher, "done"> {
  const launch = replay(source, { events: source.events.filter(({ object }) => isWanted(object)) });
  const warnings = createWarningEvents();
  for (const { object } of source.warnings) warnings.apply(object);
  return { ...launch, warnings: warnings.of, failure: undefined, caughtUp: async () => undefined };
}

/** A watcher that has heard of some objects and nothing else. */
export function watcherOfObjects(objects: readonly KubernetesObject[]): Omit<WorkloadWatcher, "done"> {
  const events = objects.map((object) => ({ type: "ADDED" as const, object }));
  return watcherOf({ baseline: [], nodes: [], events, warnings: [] });
}

/** Keeps the order of each kind, as watches do, and mixes the kinds by the given choices. */
export function interleave(events: readonly WatchEvent[], choices: readonly number[]): readonly WatchEvent[] {
  const queues = new Map<string, WatchEvent[]>();
  for (const event of events) {
    const kind = event.object.kind ?? "";
    queues.set(kind, [...(queues.get(kind) ?? []), event]);
  }
  const mixed: WatchEvent[] = [];
  for (let step = 0; mixed.length < events.length; step += 1) {
    const waiting = [...queues.values()].filter((queue) => queue.length > 0);
    const event = waiting[(choices[step % choices.length] ?? 0) % waiting.length]?.shift();
    if (event !== undefined) mixed.push(event);
  }
  return mixed;
}
