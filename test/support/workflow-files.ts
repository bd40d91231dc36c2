import { readdirSync, readFileSync } from "node:fs";
import { NoOperationTraceWriter, parseWorkflow } from "@actions/workflow-parser";
import { convertWorkflowTemplate, ErrorPolicy } from "@actions/workflow-parser/model/convert";
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

/** What GitHub's own parser has to say of a workflow and of how it calls ours; empty when all is well. */
export async function parserFindings(name: string, content: string): Promise<readonly string[]> {
  const { context, value } = parseWorkflow({ name, content }, new NoOperationTraceWriter());
  if (value !== undefined) {
    const files = {
      getFileContent: async (reference: { readonly path: string }) => {
        const called = workflows.find((each) => reference.path === `.github/workflows/${each.name}`);
        if (called === undefined) throw new Error(`there is no ${reference.path}`);
        return { name: called.name, content: called.text };
      },
    };
    await convertWorkflowTemplate(context, value, files, {
      errorPolicy: ErrorPolicy.TryConversion,
      fetchReusableWorkflowDepth: 1,
    });
  }
  return context.errors.getErrors().map(({ message }) => message);
}
