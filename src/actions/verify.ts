import { newRunId } from "../platform/context.ts";
import { rememberRun } from "../platform/github-files.ts";
import { runAction } from "./run-action.ts";

await runAction("verify", async (context) => {
  const { env } = context;
  const runId = newRunId();
  await rememberRun(env, runId);
  const [{ verifyInJob }, { launchInputs }, { verifyInputs }, { inputsOfAction }] = await Promise.all([
    import("../platform/verify-job.ts"),
    import("../platform/launch-inputs.ts"),
    import("../platform/action-inputs.ts"),
    import("../platform/job-inputs.ts"),
  ]);
  const { reference = "" } = inputsOfAction(verifyInputs, env);
  const asked = inputsOfAction(launchInputs, env);
  const { verdict } = await verifyInJob(context, { reference, asked, format: "pretty", runId });
  return verdict === "passed" ? 0 : 1;
});
