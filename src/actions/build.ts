import { join } from "node:path";
import { newRunId } from "../platform/context.ts";
import { rememberRun } from "../platform/github-files.ts";
import { runAction } from "./run-action.ts";

await runAction("build", async (context) => {
  const { env, platform } = context;
  const runId = newRunId();
  await rememberRun(env, runId);
  const [{ buildInJob }, { uploadBundle }, { buildInputs }, { rootInputs }, { inputsOfAction }] = await Promise.all([
    import("../platform/build-job.ts"),
    import("../platform/bundle-upload.ts"),
    import("../platform/build-inputs.ts"),
    import("../platform/action-inputs.ts"),
    import("../platform/job-inputs.ts"),
  ]);
  const { context: directory = ".", failureBundle = true } = inputsOfAction(rootInputs, env);
  const report = join(env.RUNNER_TEMP ?? context.cwd, `kubefile-report-${runId}.json`);
  await platform.output("report", report);
  await buildInJob(context, {
    directory,
    asked: { ...inputsOfAction(buildInputs, env), report },
    runId,
    keepBundle: failureBundle ? (kept) => uploadBundle(context, kept, `kubefile-failure-${runId}`) : undefined,
  });
  return 0;
});
