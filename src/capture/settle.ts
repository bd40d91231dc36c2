import type { KubernetesApi } from "../cluster/types.ts";
import { KubefileError, type Location } from "../error.ts";
import { isDigest } from "../oci/digest.ts";
import { formatRepository, manifestReference, parseReference } from "../oci/reference.ts";
import { type Assessment, assess, type Problem } from "./assessment.ts";
import { type Clock, sleep, systemClock } from "./clock.ts";
import { entryKey } from "./image-entries.ts";
import { notSettled } from "./not-settled.ts";
import type { ImageObservation } from "./observation.ts";
import { formatObject } from "./owners.ts";
import { createPersistence, type Persistence } from "./persistence.ts";
import { pullFailed } from "./pull-failure.ts";
import type { PullRecorder } from "./recorder.ts";
import type { Grade } from "./types.ts";
import type { WorkloadWatcher } from "./workload-watcher.ts";

export interface SettleProgress {
  readonly podsReady: number;
  readonly podsTotal: number;
  /** Different images of the launch so far. */
  readonly images: number;
  /** `pod shop/web-0: readiness`; `quiet window` at the end. */
  readonly waitingFor: readonly string[];
}

export interface SettleOptions {
  readonly api: KubernetesApi;
  readonly watcher: Pick<
    WorkloadWatcher,
    "objects" | "observations" | "lastNews" | "newsSince" | "warnings" | "failure" | "caughtUp"
  >;
  readonly recorder: Pick<PullRecorder, "pulls" | "lastFailure">;
  /** `pulled` accepts pods that wait for something other than an image. */
  readonly mode: "ready" | "pulled";
  /** Milliseconds in which nothing new may appear. */
  readonly quietWindow: number;
  /** Milliseconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  readonly clock?: Clock;
  readonly locate?: (observation: ImageObservation) => Location | undefined;
  readonly onProgress?: (progress: SettleProgress) => void;
}

/** Milliseconds between two looks: what is ready waits half of it on average. */
const PERIOD = 200;
const NEWS_TOLD = 5;

/**
 * Waits until the launch has settled: everything is ready (or, when told so, at least pulled), and nothing new has come
 * for the quiet window.
 *
 * @returns the grade that the capture may claim
 * @throws KubefileError PULL_FAILED with every image that cannot be had, NOT_SETTLED with everything that is stuck or
 *   late, CANCELLED
 */
export async function waitSettled(options: SettleOptions): Promise<Extract<Grade, "ready" | "pulled">> {
  const { clock = systemClock, mode, signal } = options;
  const persistence = createPersistence();
  const begin = clock.now().getTime();
  let satisfiedSince: number | undefined;
  await options.watcher.caughtUp(signal);
  for (;;) {
    if (signal.aborted) throw new KubefileError("CANCELLED", "cancelled while the launch settled");
    if (options.watcher.failure !== undefined) throw options.watcher.failure;
    const time = clock.now();
    const now = time.getTime();
    const assessment = assess(options.watcher.objects(), options.watcher.warnings);
    persistence.update(assessment.problems, time, assessment.advancing);
    throwLastingPullFailures(assessment, persistence, time, options);

    const satisfied = mode === "ready" ? assessment.ready : assessment.pulled;
    satisfiedSince = satisfied ? (satisfiedSince ?? now) : undefined;
    const quietSince = Math.max(satisfiedSince ?? now, lastNews(options)?.getTime() ?? begin);
    const windowLeft = options.quietWindow - (now - quietSince);
    if (satisfied && windowLeft <= 0) return mode;
    if (mode === "ready") await throwWhenStuck(assessment, persistence, time, options);
    if (now - begin >= options.timeout) throw await timedOut(assessment, options);
    options.onProgress?.(progressOf(assessment, options, satisfied));
    await sleep(clock, satisfied ? Math.min(PERIOD, windowLeft) : PERIOD, signal);
  }
}

/**
 * Watches for images that cannot be had while launch commands still run: one of them may wait for a pod that never
 * starts. Resolves when the signal aborts.
 *
 * @throws KubefileError PULL_FAILED
 */
export async function watchPullFailures(
  options: Pick<SettleOptions, "watcher" | "recorder" | "signal" | "clock" | "locate">,
): Promise<void> {
  const { clock = systemClock, signal } = options;
  const persistence = createPersistence();
  while (!signal.aborted) {
    if (options.watcher.failure !== undefined) throw options.watcher.failure;
    const time = clock.now();
    const assessment = assess(options.watcher.objects(), options.watcher.warnings);
    persistence.update(assessment.problems, time);
    throwLastingPullFailures(assessment, persistence, time, options);
    await sleep(clock, PERIOD, signal);
  }
}

/** Once one image is given up, all that fail now are told together. */
function throwLastingPullFailures(
  { problems }: Assessment,
  persistence: Persistence,
  time: Date,
  options: Pick<SettleOptions, "watcher" | "recorder" | "locate">,
): void {
  const failing = problems.filter(({ gravity }) => gravity === "image");
  if (!failing.some((problem) => persistence.lasts(problem, time))) return;
  throw pullFailed(failing, { lastFailure: options.recorder.lastFailure, locate: locator(options) });
}

/** A failed Job is the end; what is stuck may yet be helped by what still goes on. */
async function throwWhenStuck(
  assessment: Assessment,
  persistence: Persistence,
  time: Date,
  options: SettleOptions,
): Promise<void> {
  const lasting = assessment.problems.filter((problem) => persistence.lasts(problem, time));
  const over = lasting.some(({ gravity }) => gravity === "final");
  const stuck = lasting.length > 0 && lasting.length === assessment.problems.length && !assessment.progressing;
  if (over || stuck) throw await notSettled("the launch does not become ready:", assessment, errorContext(options));
}

async function timedOut(assessment: Assessment, options: SettleOptions): Promise<KubefileError> {
  const failing = assessment.problems.filter(({ gravity }) => gravity === "image");
  if (failing.length > 0) {
    return pullFailed(failing, { lastFailure: options.recorder.lastFailure, locate: locator(options) });
  }
  const seconds = Math.round(options.timeout / 1000);
  if (assessment.ready) return neverQuiet(seconds, options);
  return notSettled(`the launch is not ready after ${seconds} s:`, assessment, errorContext(options));
}

/** Everything is ready, and there is always something new: a loop of somebody's, most often. */
function neverQuiet(seconds: number, { watcher, recorder, quietWindow, timeout, clock = systemClock }: SettleOptions) {
  const since = new Date(clock.now().getTime() - Math.min(timeout, 3 * quietWindow));
  const objects = watcher.newsSince(since).map((name) => `${formatObject(name)} is new or changed`);
  const pulls = recorder
    .pulls()
    .filter(({ first }) => first > since)
    .map(({ repository, reference }) => `a node asked for ${formatRepository(repository)} ${reference}`);
  const list = [...new Set([...objects, ...pulls])];
  const more = list.length > NEWS_TOLD ? [`and ${list.length - NEWS_TOLD} more`] : [];
  const lines = [...list.slice(0, NEWS_TOLD), ...more].map((line) => `\n  ${line}`);
  return new KubefileError("NOT_SETTLED", `something new kept appearing for ${seconds} s:${lines.join("")}`, {
    hint: `everything is ready; only news keeps it from being settled: give what is listed a longer period, or let --quiet-window be shorter than it (it is ${Math.round(quietWindow / 1000)} s)`,
  });
}

function errorContext(options: SettleOptions): Parameters<typeof notSettled>[2] {
  const { api, watcher, signal } = options;
  return { api, signal, warnings: watcher.warnings, locate: locator(options) };
}

/** Finds the launch command behind a problem: that of the pod or workload it concerns. */
function locator({
  watcher,
  locate,
}: Pick<SettleOptions, "watcher" | "locate">): (problem: Problem) => Location | undefined {
  return ({ object }) => {
    const seen = watcher.observations().find((observation) => observation.object.uid === object.uid);
    return seen === undefined ? undefined : locate?.(seen);
  };
}

/**
 * Images that nodes pull and no object names count as news, too; those that objects name have counted when first seen.
 * What is pulled by digest goes with its repository: it is most often what a tag there has resolved to.
 */
function lastNews({ watcher, recorder }: SettleOptions): Date | undefined {
  const named = new Set(watcher.observations().flatMap(({ reference }) => keysOf(reference)));
  const times = recorder
    .pulls()
    .filter(({ repository, reference }) => !named.has(entryKey(repository, isDigest(reference) ? "" : reference)))
    .map(({ first }) => first);
  return [watcher.lastNews(), ...times].reduce(
    (last, time) => (last === undefined || (time !== undefined && time > last) ? time : last),
    undefined,
  );
}

/** The image and its repository. */
function keysOf(text: string | undefined): readonly string[] {
  if (text === undefined) return [];
  const reference = parseReference(text);
  return [entryKey(reference, manifestReference(reference)), entryKey(reference, "")];
}

function progressOf(assessment: Assessment, { watcher }: SettleOptions, satisfied: boolean): SettleProgress {
  const images = new Set(watcher.observations().map(({ reference, image }) => reference ?? image));
  const blocked = assessment.problems.map(({ object, reason }) => `${object.namespace}/${object.name}: ${reason}`);
  return {
    podsReady: assessment.podsReady,
    podsTotal: assessment.podsTotal,
    images: images.size,
    waitingFor: satisfied ? ["quiet window"] : [...blocked, ...assessment.waiting],
  };
}
