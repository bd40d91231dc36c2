import { runAction } from "./run-action.ts";

await runAction("setup", async (context) => {
  const [{ setupInJob }, { setupInputs }, { inputsOfAction }] = await Promise.all([
    import("../platform/setup-job.ts"),
    import("../platform/setup-inputs.ts"),
    import("../platform/job-inputs.ts"),
  ]);
  await setupInJob(context, inputsOfAction(setupInputs, context.env), {
    node: process.execPath,
    platform: process.platform,
    architecture: process.arch,
    temporary: context.env.RUNNER_TEMP ?? context.cwd,
  });
  return 0;
});
