import { newRunId } from "../platform/context.ts";
import { rememberRun } from "../platform/github-files.ts";
import { runAction } from "./run-action.ts";

await runAction("verify", async (context) => {
  const { env } = context;
  const runId = newRunId();
  await rememberRun(env, runId);
  const [{ verifyInJob }, { uploadBundle }, { launchInputs }, { verifyInputs }, { inputsOfAction }] = await Promise.all(
    [
      import("../platform/verify-job.ts"),
      import("../platform/bundle-upload.ts"),
      import("../platform/launch-inputs.ts"),
      import("../platform/action-inputs.ts"),
      import("../platform/job-inputs.ts"),
    ],
  );
  const { reference = "", failureBundle = true } = inputsOfAction(verifyInputs, env);
  const { verdict } = await verifyInJob(context, {
    ...{ reference, asked: inputsOfAction(launchInputs, env), format: "pretty", runId },
    keepBundle: failureBundle ? (kept) => uploadBundle(context, kept, `kubefile-failure-${runId}`) : undefined,
  });
  return verdict === "passed" ? 0 : 1;
});
