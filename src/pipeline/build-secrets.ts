import { KubefileError } from "../error.ts";
import type { PlannedStage } from "../plan/stage.ts";
import type { RunStep, Step, StepSecret } from "../plan/step.ts";
import { valueLines, valueTraces } from "../registry/secret-forms.ts";
import { findTraces } from "../rootfs/find-traces.ts";
import type { CommitOptions } from "../rootfs/workspace.ts";
import { tokenSecret } from "./git-token.ts";
import type { Host } from "./host.ts";

/** What a build was given for an id, or why it was given nothing. */
export type GivenSecret =
  | { readonly kind: "value"; readonly reveal: () => Buffer }
  | { readonly kind: "absent"; readonly reason: string };

/** The secrets of a build, by id. Printing one by accident shows no value. */
export type BuildSecrets = ReadonlyMap<string, GivenSecret>;

/** Keeps the values out of all that a build prints and writes, and says which it was meant to have and has not. */
export function announceSecrets(
  { addSecret, progress }: Pick<Host, "addSecret" | "progress">,
  given: BuildSecrets,
): void {
  for (const [id, secret] of given) {
    if (secret.kind === "absent") progress.note("warning", `the secret ${id} is not given to RUN: ${secret.reason}`);
    else for (const form of valueLines(secret.reveal())) addSecret(form);
  }
}

/** Ids that were given and that no step asks for. */
export function unusedSecrets(stages: readonly PlannedStage[], given: BuildSecrets): readonly string[] {
  const steps = stages.flatMap((stage) => stage.steps);
  const used = new Set(steps.flatMap(secretsOf));
  return [...given.keys()].filter((id) => !used.has(id));
}

function secretsOf(step: Step): readonly string[] {
  if (step.kind === "run") return (step.secrets ?? []).map(({ id }) => id);
  return step.sources.flatMap((source) => (source.kind === "git" ? [tokenSecret(source.url)] : []));
}

/** A secret that a step gets. */
export interface StepValue {
  readonly secret: StepSecret;
  readonly value: Buffer;
}

/**
 * What a step gets of the secrets. One that was not given and that the step can do without is left out.
 *
 * @throws KubefileError SECRET_MISSING naming each that the step needs; KUBEFILE_INVALID for what no variable can hold
 */
export function valuesFor({ secrets = [], shown }: RunStep, given: BuildSecrets): readonly StepValue[] {
  const missing = secrets.filter(({ id, required }) => required && given.get(id)?.kind !== "value");
  const [first] = missing;
  if (first !== undefined) {
    const lines = missing.map(
      ({ id }) => `${shown} needs the secret ${id}, which was not given${reasonFor(id, given)}`,
    );
    const hint = `give it with --secret id=${first.id},src=FILE or --secret id=${first.id},env=VARIABLE`;
    throw new KubefileError("SECRET_MISSING", lines.join("\n"), { where: first.where, hint });
  }
  return secrets.flatMap((secret) => {
    const found = given.get(secret.id);
    if (found?.kind !== "value") return [];
    const value = found.reveal();
    if (secret.env !== undefined && !isVariableValue(value)) {
      throw new KubefileError(
        "KUBEFILE_INVALID",
        `the secret ${secret.id} is no text, so that no variable can hold it`,
        {
          where: secret.where,
          hint: "take it from a file: leave out env=",
        },
      );
    }
    return [{ secret, value }];
  });
}

function reasonFor(id: string, given: BuildSecrets): string {
  const found = given.get(id);
  return found?.kind === "absent" ? `: ${found.reason}` : "";
}

function isVariableValue(value: Buffer): boolean {
  const text = value.toString("utf8");
  return Buffer.from(text).equals(value) && !text.includes("\0");
}

/** Takes values out of a line of output. */
export function hiding(values: readonly Buffer[]): (line: string) => string {
  // Longest first: a line of a value may be part of another one.
  const forms = [...new Set(values.flatMap(valueLines))].sort((left, right) => right.length - left.length);
  return (line) => forms.reduce((text, form) => text.replaceAll(form, "***"), line);
}

/** Refuses a change of the rootfs that holds a secret of the step: whoever pulls the image would read it. */
export function leakCheck(step: RunStep, given: BuildSecrets, signal: AbortSignal | undefined): CommitOptions["check"] {
  const values = valuesFor(step, given).map(({ value }) => value);
  if (values.length === 0) return undefined;
  return async (changes, root) => {
    const found = await findTraces(root, changes, values.map(valueTraces), signal);
    if (found.length === 0) return;
    const hide = hiding(values);
    const files = found.slice(0, 10).map((path) => JSON.stringify(hide(path)));
    const more = found.length > files.length ? ` and ${found.length - files.length} more` : "";
    throw new KubefileError("SECRET_IN_ROOTFS", `${step.shown} has written a secret into ${files.join(", ")}${more}`, {
      where: step.where,
      hint: "whoever pulls the image would read it: write the file elsewhere, or remove it in the same RUN",
    });
  };
}
