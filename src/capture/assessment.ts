import type { LaunchObject } from "./launch-objects.ts";
import { formatObject, isWorkloadOwner, nameOf, type ObjectName } from "./owners.ts";
import { hasItsImages, type PodProblem, type PodState, podState } from "./pod-state.ts";
import { removedFailure } from "./removed-failure.ts";
import type { WarningEvent } from "./warning-events.ts";
import { type WorkloadState, workloadState } from "./workload-state.ts";

/** Something that keeps the launch from being settled and is more than a matter of time. */
export interface Problem extends PodProblem {
  readonly object: ObjectName;
  /** `final` will not mend by itself; `stuck` may, when something else changes. */
  readonly gravity: "image" | "final" | "stuck";
  /** The pod whose logs tell more, when it is not the object itself. */
  readonly failedPod?: ObjectName;
}

export interface Assessment {
  readonly problems: readonly Problem[];
  /** What is on its way, with what it waits for: `pod shop/web-0: readiness`. A workload only when none of its pods is here. */
  readonly waiting: readonly string[];
  readonly podsReady: number;
  readonly podsTotal: number;
  /** Everything is ready or has done its work. */
  readonly ready: boolean;
  /** Nothing waits for an image any more. */
  readonly pulled: boolean;
  /** Something goes on that may mend what is stuck. */
  readonly progressing: boolean;
  /** The same, pods left out that have crashed before: those may go on for ever and get nowhere. */
  readonly advancing: boolean;
}

interface Draft {
  readonly problems: Problem[];
  readonly waiting: { readonly name: ObjectName; readonly text: string }[];
  /** Owners of whatever is not done. */
  readonly owners: Set<string>;
  readonly ownersOfBlocked: Set<string>;
  /** Failed pods that their workload has replaced or given up, by owner. */
  readonly failedPods: Map<string, ObjectName>;
  readonly waitingJobs: ObjectName[];
  podsReady: number;
  podsTotal: number;
  pulled: boolean;
  progressing: boolean;
  advancing: boolean;
}

/**
 * Judges all objects of the launch at one moment. What CronJobs start need not finish, or even start: only an image that
 * cannot be had counts there.
 */
export function assess(
  objects: readonly LaunchObject[],
  warnings: (uid: string) => readonly WarningEvent[],
): Assessment {
  const draft: Draft = {
    problems: [],
    waiting: [],
    owners: new Set(),
    ownersOfBlocked: new Set(),
    failedPods: new Map(),
    waitingJobs: [],
    podsReady: 0,
    podsTotal: 0,
    pulled: true,
    progressing: false,
    advancing: false,
  };
  for (const entry of objects) {
    // What a roll-out replaces may be broken for ever: that it is replaced shows in its Deployment.
    if (entry.superseded) continue;
    const failure = isPeriodic(entry) ? undefined : removedFailure(entry, objects);
    if (failure !== undefined) addWorkload(draft, entry, failure);
    if (entry.deleted || failure !== undefined) continue;
    const seen = warnings(entry.object.metadata.uid);
    if (entry.object.kind === "Pod") addPod(draft, entry, podState(entry.object, seen));
    else if (!isPeriodic(entry)) addWorkload(draft, entry, workloadState(entry.object, seen));
  }
  // A Job that waits before it makes its next pod goes on, too.
  const jobsGoOn = draft.waitingJobs.some(({ uid }) => !draft.ownersOfBlocked.has(uid));
  const { podsReady, podsTotal, pulled } = draft;
  return {
    problems: draft.problems.map((problem) => {
      const failedPod = draft.failedPods.get(problem.object.uid);
      return failedPod === undefined ? problem : { ...problem, failedPod };
    }),
    waiting: draft.waiting
      .filter(({ name }) => !draft.owners.has(name.uid))
      .map(({ name, text }) => `${formatObject(name)}: ${text}`),
    podsReady,
    podsTotal,
    ready: draft.problems.length === 0 && draft.waiting.length === 0,
    pulled,
    progressing: draft.progressing || jobsGoOn,
    advancing: draft.advancing || jobsGoOn,
  };
}

function addWorkload(draft: Draft, { object, owners }: LaunchObject, state: WorkloadState): void {
  if (state.state === "done") return;
  const name = nameOf(object);
  for (const { uid } of owners) draft.owners.add(uid);
  if (state.state === "waiting") {
    draft.waiting.push({ name, text: state.waitingFor });
    if (object.kind === "Job") draft.waitingJobs.push(name);
    if (state.cause !== "controller") return;
    draft.pulled = false;
    draft.progressing = true;
    draft.advancing = true;
    return;
  }
  const gravity = state.state === "failed" ? "final" : "stuck";
  const { reason, message } = state;
  draft.problems.push({ reason, message, object: name, gravity, cause: "other", restarts: 0 });
}

function addPod(draft: Draft, entry: LaunchObject, state: PodState): void {
  const { object, owners } = entry;
  const name = nameOf(object);
  const periodic = isPeriodic(entry);
  const problems = podProblems(state, owners.some(isWorkloadOwner));
  for (const problem of problems) {
    if (!periodic || problem.gravity === "image") draft.problems.push({ ...problem, object: name });
  }
  if (periodic) return;
  if (state.state === "failed" && problems.length === 0) {
    // Its workload has replaced it, or has given up and tells so itself.
    for (const { uid } of owners) draft.failedPods.set(uid, name);
    return;
  }
  draft.podsTotal += 1;
  if (!hasItsImages(object, state)) draft.pulled = false;
  if (state.state === "done") {
    draft.podsReady += 1;
    return;
  }
  for (const { uid } of owners) draft.owners.add(uid);
  if (state.state === "waiting") {
    draft.waiting.push({ name, text: state.waitingFor });
    draft.progressing = true;
    if (!state.hasCrashed) draft.advancing = true;
  } else {
    for (const { uid } of owners) draft.ownersOfBlocked.add(uid);
  }
}

function podProblems(state: PodState, hasWorkload: boolean): readonly (PodProblem & Pick<Problem, "gravity">)[] {
  switch (state.state) {
    case "blocked":
      return state.problems.map((problem) => ({ ...problem, gravity: problem.cause === "image" ? "image" : "stuck" }));
    case "failed":
      return hasWorkload ? [] : state.problems.map((problem) => ({ ...problem, gravity: "final" }));
    default:
      return [];
  }
}

function isPeriodic({ owners }: LaunchObject): boolean {
  return owners.some(({ kind }) => kind === "CronJob");
}
