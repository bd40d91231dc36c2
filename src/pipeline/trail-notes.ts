import type { LaunchInputs } from "../plan/launch-key.ts";
import { launchReason } from "../plan/launch-reason.ts";
import { stepReason } from "../plan/step-reason.ts";
import { type Trail, type TrailLaunch, type TrailStep, trailLaunch } from "../plan/trail.ts";

/** Compares a build with the last one of the same Kubefile, and collects what the next is compared with. */
export interface TrailNotes {
  /** Takes down a step and says why it has to be executed. @param number counted from 1 */
  step(step: TrailStep, number: number): string;
  /** Takes down the launch and says why it has to be rehearsed. */
  launch(inputs: LaunchInputs): string;
  /** Of this build; undefined as long as nothing was taken down. */
  trail(): Trail | undefined;
}

/** @param last the trail of the last build, when there is one */
export function trailNotes(last: Trail | undefined): TrailNotes {
  const steps: TrailStep[] = [];
  let launch: TrailLaunch | undefined;
  return {
    step(step, number) {
      steps[number - 1] = step;
      return stepReason(step, number - 1, last);
    },
    launch(inputs) {
      launch = trailLaunch(inputs);
      return launchReason(launch, last);
    },
    trail() {
      // A step without a key leaves a gap, and what comes after it is known anyway.
      const known = steps.filter((step) => step !== undefined);
      if (known.length === 0 && launch === undefined) return undefined;
      return { schemaVersion: 1, steps: known, ...(launch === undefined ? {} : { launch }) };
    },
  };
}
