import { join } from "node:path";
import { newRunId } from "../platform/context.ts";
import { rememberRun } from "../platform/github-files.ts";
import { runAction } from "./run-action.ts";

await runAction("preview", async (context) => {
  const { env, platform } = context;
  const runId = newRunId();
  await rememberRun(env, runId);
  const [
    { runPreview },
    { uploadBundle },
    { lastingOptions },
    { previewActionInputs },
    { previewInputs },
    { inputsOfAction },
  ] = await Promise.all([
    import("../platform/run-preview.ts"),
    import("../platform/bundle-upload.ts"),
    import("../platform/lasting-inputs.ts"),
    import("../platform/action-inputs.ts"),
    import("../platform/preview-inputs.ts"),
    import("../platform/job-inputs.ts"),
  ]);
  const {
    context: directory = ".",
    reference = directory,
    failureBundle = true,
  } = inputsOfAction(previewActionInputs, env);
  const file = (name: string): string => join(env.RUNNER_TEMP ?? context.cwd, `kubefile-${name}-${runId}`);
  const files = { verdict: `${file("verdict")}.json`, comment: `${file("comment")}.md` };
  await platform.output("verdict-file", files.verdict);
  await platform.output("comment-file", files.comment);
  const asked = inputsOfAction(previewInputs, env);
  const lasting = await lastingOptions(asked, context);
  // A runner takes the last word: both are looked after when the job has ended.
  if (lasting !== undefined) await rememberRun(env, runId, lasting.runId);
  await runPreview(reference, { ...asked, ...files }, context, {
    runId,
    keepBundle: failureBundle ? (kept) => uploadBundle(context, kept, `kubefile-failure-${runId}`) : undefined,
  });
  return 0;
});
