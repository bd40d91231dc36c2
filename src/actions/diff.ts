import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { newRunId } from "../platform/context.ts";
import { runAction } from "./run-action.ts";

await runAction("diff", async (context) => {
  const { env, platform } = context;
  const [{ diffInJob, tellDiff }, { diffActionInputs }, { diffInputs }, { inputsOfAction }] = await Promise.all([
    import("../platform/diff-job.ts"),
    import("../platform/action-inputs.ts"),
    import("../platform/diff-inputs.ts"),
    import("../platform/job-inputs.ts"),
  ]);
  const { from = "", to = "", comment = false, key = "diff" } = inputsOfAction(diffActionInputs, env);
  const compared = await diffInJob(context, { from, to, asked: inputsOfAction(diffInputs, env) });
  const file = join(env.RUNNER_TEMP ?? context.cwd, `kubefile-diff-${newRunId()}.json`);
  await writeFile(file, `${JSON.stringify(compared.result, undefined, 2)}\n`);
  await platform.output("json-file", file);
  await tellDiff(context, compared, comment ? key : undefined);
  return 0;
});
