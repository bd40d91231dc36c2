import { rememberedRun } from "../platform/github-files.ts";
import { runAction } from "./run-action.ts";

await runAction("teardown", async (context) => {
  const runId = rememberedRun(context.env);
  if (runId === undefined) return 0;
  const { teardownInJob } = await import("../platform/teardown-job.ts");
  await teardownInJob(context, runId);
  return 0;
});
