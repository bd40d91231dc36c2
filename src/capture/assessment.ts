import type { LaunchObject } from "./launch-objects.ts";
import { formatObject, isWorkloadOwner, nameOf, type ObjectName } from "./owners.ts";
import { hasItsImages, type PodProblem, type PodState, podState } from "./pod-state.ts";
import type { WarningEvent } from "./warning-events.ts";
import { workloadState } from "./workload-state.ts";

/** Something that keeps the launch from being settled and is more than a matter of time. */
export interface Problem extends PodProblem {
  readonly object: ObjectName;
  /** `final` will not mend by itself; `stuck` may, when something else changes. */
  readonly gravity: "image" | "final" | "stuck";
}

export interface Assessment {
  readonly problems: readonly Problem[];
  /** Objects on their way, with what they wait for: `pod shop/web-0: readiness`. */
  readonly waiting: readonly string[];
  readonly podsReady: number;
  readonly podsTotal: number;
  /** Everything is ready or has done its work. */
  readonly ready: boolean;
  /** Nothing waits for an image any more. */
  readonly pulled: boolean;
  /** Something goes on that may mend what is stuck. */
  readonly progressing: boolean;
}

/**
 * Judges all objects of the launch at one moment. What CronJobs start need not finish, or even start: only an image that
 * cannot be had counts there.
 */
export function assess(
  objects: readonly LaunchObject[],
  warnings: (uid: string) => readonly WarningEvent[],
): Assessment {
  const problems: Problem[] = [];
  const waiting: string[] = [];
  let podsReady = 0;
  let podsTotal = 0;
  let pulled = true;
  let progressing = false;
  const waitingJobs = new Set<string>();
  const ownersOfBlocked = new Set<string>();
  for (const { object, owners, deleted } of objects) {
    if (deleted) continue;
    const name = nameOf(object);
    const isPeriodic = owners.some(({ kind }) => kind === "CronJob");
    if (object.kind !== "Pod") {
      if (isPeriodic) continue;
      const found = workloadState(object, warnings(name.uid));
      if (found.state === "waiting") waiting.push(`${formatObject(name)}: ${found.waitingFor}`);
      if (found.state === "waiting" && found.waitingFor === "its controller") {
        pulled = false;
        progressing = true;
      }
      if (found.state === "waiting" && object.kind === "Job") waitingJobs.add(name.uid);
      if (found.state !== "blocked" && found.state !== "failed") continue;
      const gravity = found.state === "failed" ? "final" : "stuck";
      problems.push({ ...found, object: name, gravity, cause: "other", restarts: 0 });
      continue;
    }
    const state = podState(object, warnings(name.uid));
    const found = podProblems(state, owners.some(isWorkloadOwner)).map((problem) => ({ ...problem, object: name }));
    problems.push(...found.filter(({ gravity }) => !isPeriodic || gravity === "image"));
    if (isPeriodic) continue;
    // A failed pod that its workload replaces is not waited for.
    if (state.state === "failed" && found.length === 0) continue;
    podsTotal += 1;
    if (state.state === "done") podsReady += 1;
    if (state.state === "waiting") {
      waiting.push(`${formatObject(name)}: ${state.waitingFor}`);
      progressing = true;
    }
    if (state.state === "blocked") for (const { uid } of owners) ownersOfBlocked.add(uid);
    if (!hasItsImages(object, state)) pulled = false;
  }
  // A Job that waits before it makes its next pod goes on, too.
  progressing ||= [...waitingJobs].some((uid) => !ownersOfBlocked.has(uid));
  const ready = problems.length === 0 && waiting.length === 0;
  return { problems, waiting, podsReady, podsTotal, ready, pulled, progressing };
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
