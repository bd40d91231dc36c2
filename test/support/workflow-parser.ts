import { NoOperationTraceWriter, parseWorkflow } from "@actions/workflow-parser";
import { convertWorkflowTemplate, ErrorPolicy } from "@actions/workflow-parser/model/convert";
import { workflows } from "./workflow-files.ts";

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
