import { runAction } from "./run-action.ts";

await runAction("lint", async (context) => {
  const [{ lintInJob }, { lintInputs }, { inputsOfAction }] = await Promise.all([
    import("../platform/lint-job.ts"),
    import("../platform/action-inputs.ts"),
    import("../platform/job-inputs.ts"),
  ]);
  const { paths = ["."] } = inputsOfAction(lintInputs, context.env);
  const found = await lintInJob(context, paths, "pretty");
  const count = (severity: string): number => found.filter((each) => each.severity === severity).length;
  await context.platform.output("errors", String(count("error")));
  await context.platform.output("warnings", String(count("warning")));
  return count("error") > 0 ? 2 : 0;
});
