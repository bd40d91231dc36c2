import { readdirSync, readFileSync } from "node:fs";
import { parse } from "yaml";

export interface WorkflowStep {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, unknown>>;
}

export interface WorkflowJob {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly "timeout-minutes"?: number;
  readonly steps?: readonly WorkflowStep[];
}

export interface Workflow {
  readonly name: string;
  readonly text: string;
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly concurrency?: { readonly group: string; readonly "cancel-in-progress": boolean | string };
  readonly jobs: Readonly<Record<string, WorkflowJob>>;
}

const directory = new URL("../../.github/workflows/", import.meta.url);

/** The workflows of this repository. */
export const workflows: readonly Workflow[] = readdirSync(directory).map((name) => {
  const text = readFileSync(new URL(name, directory), "utf8");
  return { ...parse(text), name, text };
});
