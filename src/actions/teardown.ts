import { rememberedRuns } from "../platform/github-files.ts";
import { runAction } from "./run-action.ts";

await runAction("teardown", async (context) => {
  const runIds = rememberedRuns(context.env);
  if (runIds.length === 0) return 0;
  const { teardownInJob } = await import("../platform/teardown-job.ts");
  const [own] = runIds;
  for (const runId of runIds) await teardownInJob(context, runId, runId !== own);
  return 0;
});
