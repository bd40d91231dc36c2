import type { Problem } from "./assessment.ts";

/** How long each problem has been there, and how often it came back. */
export interface Persistence {
  /** Takes the problems of one moment. */
  update(problems: readonly Problem[], now: Date): void;
  /** Whether a problem has lasted long enough to be believed. */
  lasts(problem: Problem, now: Date): boolean;
}

/** A registry may hiccup once; kubelets try again after 10 seconds. */
const IMAGE_LASTS = 15_000;
const FINAL_LASTS = 15_000;
const STUCK_LASTS = 30_000;
/** A kubelet waits 10, 20 and 40 seconds: a program that waits for another by crashing gets about a minute. */
const CRASHES = 3;

interface Seen {
  readonly since: Date;
  failures: number;
  reason: string;
}

/**
 * Problems come and go: a crashing container is Running in between, a failing pull alternates between ErrImagePull and
 * ImagePullBackOff. One container's image problem counts as one, however it is called.
 */
export function createPersistence(): Persistence {
  const seen = new Map<string, Seen>();
  return {
    update(problems, now) {
      const present = new Set<string>();
      for (const problem of problems) {
        const key = keyOf(problem);
        present.add(key);
        const known = seen.get(key) ?? { since: now, failures: 0, reason: "" };
        seen.set(key, known);
        // ErrImagePull after a back-off is the next failed pull.
        if (problem.reason === "ErrImagePull" && known.reason !== problem.reason) known.failures += 1;
        known.reason = problem.reason;
      }
      for (const key of seen.keys()) if (!present.has(key)) seen.delete(key);
    },
    lasts(problem, now) {
      const known = seen.get(keyOf(problem));
      if (known === undefined) return false;
      const age = now.getTime() - known.since.getTime();
      if (problem.gravity === "image") return age >= IMAGE_LASTS || known.failures >= 2;
      if (problem.reason === "CrashLoopBackOff") return problem.restarts >= CRASHES;
      return age >= (problem.gravity === "final" ? FINAL_LASTS : STUCK_LASTS);
    },
  };
}

function keyOf({ object, container, gravity, reason }: Problem): string {
  const what = gravity === "image" ? "image" : reason;
  return [object.uid, container?.role ?? "", container?.container ?? "", what].join(" ");
}
