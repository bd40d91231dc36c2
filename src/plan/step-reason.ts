import { inShort } from "./in-short.ts";
import type { Trail, TrailSource, TrailStep } from "./trail.ts";

/** Why a step had to be executed although the same Kubefile was built here before, in words. */
export function stepReason(step: TrailStep, position: number, trail: Trail | undefined): string {
  if (trail === undefined) return "it was not built here before";
  const before = counterpart(step, position, trail);
  if (before === undefined) return "the instruction is new";
  if (before.instruction !== step.instruction) return "the instruction changed";
  return (
    baseReason(before.base, step.base) ??
    filesReason(before.files, step.files) ??
    inShort(
      step.reads.flatMap(({ name, identity }, at) =>
        before.reads[at]?.identity === identity ? [] : [`${name} ${changeOf(before.reads[at]?.identity, identity)}`],
      ),
    ) ??
    variablesReason(before.environment, step.environment) ??
    (before.container === step.container ? undefined : "the launch container's image changed") ??
    (before.previous === step.previous ? "its record is gone" : "a step before it changed")
  );
}

/** FROM is no step: what it names is told with the first step on it. */
function baseReason(before: TrailSource | undefined, now: TrailSource | undefined): string | undefined {
  if (before === undefined || now === undefined || before.identity === now.identity) return undefined;
  if (before.name !== now.name) return `FROM ${before.name} became FROM ${now.name}`;
  return `${now.name} moved from ${before.identity} to ${now.identity}`;
}

/** Names of commits are told, as people look them up. */
function changeOf(before: string | undefined, now: string): string {
  const [from, to] = [before ?? "", now].map((identity) => /^commit ([0-9a-f]{12})/.exec(identity)?.[1]);
  return from === undefined || to === undefined ? "changed" : `moved from ${from} to ${to}`;
}

/** The step at the same place of the last build if it was the same instruction, else wherever that stood. */
function counterpart(step: TrailStep, position: number, { steps }: Trail): TrailStep | undefined {
  const there = steps[position];
  if (there?.stage === step.stage && there.shown === step.shown) return there;
  return (
    steps.find(({ stage, shown }) => stage === step.stage && shown === step.shown) ??
    (there?.stage === step.stage && keyword(there) === keyword(step) ? there : undefined)
  );
}

function keyword({ shown }: TrailStep): string | undefined {
  return shown.split(/\s/, 1)[0]?.toUpperCase();
}

function filesReason(before: TrailStep["files"], now: TrailStep["files"]): string | undefined {
  if (before === undefined || now === undefined) return undefined;
  return inShort([
    ...Object.keys(now).flatMap((name) =>
      before[name] === undefined ? [`${name} is new`] : before[name] === now[name] ? [] : [`${name} changed`],
    ),
    ...Object.keys(before).flatMap((name) => (now[name] === undefined ? [`${name} is gone`] : [])),
  ]);
}

/** Which variables have other values, or are new or gone. */
export function variablesReason(
  before: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): string | undefined {
  const names = new Set([...Object.keys(before), ...Object.keys(now)]);
  return inShort([...names].filter((name) => before[name] !== now[name]).map((name) => `the value of ${name} changed`));
}
