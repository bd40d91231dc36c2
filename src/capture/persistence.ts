import type { Problem } from "./assessment.ts";

/** How long each problem has been there, and how often it came back. */
export interface Persistence {
  /**
   * Takes the problems of one moment.
   *
   * @param advancing whether something goes on that may mend them
   */
  update(problems: readonly Problem[], now: Date, advancing?: boolean): void;
  /** Whether a problem has lasted long enough to be believed. */
  lasts(problem: Problem, now: Date): boolean;
}

/** A registry may hiccup once; kubelets try again after 10 seconds. */
const IMAGE_LASTS = 15_000;
const FINAL_LASTS = 15_000;
const STUCK_LASTS = 30_000;
/** A kubelet waits 10, 20 and 40 seconds: a program that waits for another by crashing gets about a minute. */
const CRASHES = 3;
/** What is tried again after pauses that grow as long as it has failed. */
const SLOW_REASONS = new Set(["FailedCreate", "FailedMount", "FailedAttachVolume", "FailedMapVolume"]);
const LONGEST_PAUSE = 180_000;

interface Seen {
  readonly since: Date;
  failures: number;
  reason: string;
}

/**
 * Problems come and go: a crashing container is Running in between, a failing pull alternates between ErrImagePull and
 * ImagePullBackOff. One container's image problem counts as one, however it is called.
 *
 * What is stuck may have waited for the very thing that has come up just now, and learns of it with its next try: so it
 * has to fail once more after everything else has come to rest.
 */
export function createPersistence(): Persistence {
  const seen = new Map<string, Seen>();
  const crashes = new Map<string, { readonly restarts: number; readonly at: number }>();
  let advancedAt = Number.NEGATIVE_INFINITY;
  return {
    update(problems, now, advancing = false) {
      if (advancing) advancedAt = now.getTime();
      const present = new Set<string>();
      for (const problem of problems) {
        const key = keyOf(problem);
        present.add(key);
        const known = seen.get(key) ?? { since: now, failures: 0, reason: "" };
        seen.set(key, known);
        // ErrImagePull after a back-off is the next failed pull.
        if (problem.reason === "ErrImagePull" && known.reason !== problem.reason) known.failures += 1;
        known.reason = problem.reason;
        // A container that runs between two crashes is no problem, and still the one that crashed.
        if (problem.restarts > (crashes.get(key)?.restarts ?? -1)) {
          crashes.set(key, { restarts: problem.restarts, at: now.getTime() });
        }
      }
      for (const key of seen.keys()) if (!present.has(key)) seen.delete(key);
    },
    lasts(problem, now) {
      const known = seen.get(keyOf(problem));
      if (known === undefined) return false;
      const since = known.since.getTime();
      const age = now.getTime() - since;
      if (problem.gravity === "image") return age >= IMAGE_LASTS || known.failures >= 2;
      if (problem.gravity === "final") return age >= FINAL_LASTS;
      if (problem.reason === "CrashLoopBackOff") {
        return problem.restarts >= CRASHES && (crashes.get(keyOf(problem))?.at ?? 0) > advancedAt;
      }
      const pause = SLOW_REASONS.has(problem.reason) ? Math.min(advancedAt - since, LONGEST_PAUSE) : 0;
      return age >= STUCK_LASTS && now.getTime() - advancedAt >= Math.max(pause, STUCK_LASTS);
    },
  };
}

function keyOf({ object, container, gravity, reason }: Problem): string {
  const what = gravity === "image" ? "image" : reason;
  return [object.uid, container?.role ?? "", container?.container ?? "", what].join(" ");
}
