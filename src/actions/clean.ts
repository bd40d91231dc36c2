import { runAction } from "./run-action.ts";

await runAction("clean", async (context) => {
  const [{ cleanInJob }, { cleanActionInputs }, { cleanInputs }, { inputsOfAction }] = await Promise.all([
    import("../platform/clean-job.ts"),
    import("../platform/action-inputs.ts"),
    import("../platform/clean-inputs.ts"),
    import("../platform/job-inputs.ts"),
  ]);
  const { repositories = [] } = inputsOfAction(cleanActionInputs, context.env);
  const removed = await cleanInJob(context, inputsOfAction(cleanInputs, context.env), repositories);
  await context.platform.output("removed", JSON.stringify(removed));
  return 0;
});
