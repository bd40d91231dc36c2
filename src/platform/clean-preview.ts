import { engineAvailable, engineEnvironment, engineFor } from "../cluster/engine.ts";
import { findRuns, removeAbandonedRun } from "../cluster/run-removal.ts";
import { type CommandContext, directories } from "./context.ts";
import { previewRunId } from "./lasting-inputs.ts";

/**
 * Removes the preview that a closed request has in this machine's engine.
 *
 * @param request `pr-12` or `mr-12`, of the project whose pipeline this is
 * @returns what was removed, or would be; undefined where no engine answers
 * @throws KubefileError CLUSTER_FAILED
 */
export async function cleanPreview(
  context: CommandContext,
  request: string,
  dryRun: boolean,
): Promise<readonly string[] | undefined> {
  const { env, signal, stdout } = context;
  const environment = engineEnvironment(env);
  if (!(await engineAvailable(environment, signal))) return undefined;
  const runId = previewRunId(request, env);
  const options = { engine: engineFor(environment), stateDirectory: directories(context, undefined).state, signal };
  const found = (await findRuns(options)).find((run) => run.runId === runId);
  if (found?.owner === "alive") {
    stdout.write(`left preview ${request}, which is being made; cancel its job first\n`);
    return [];
  }
  if (found === undefined) return [];
  if (!dryRun) await removeAbandonedRun(found, options);
  return [`preview ${request}`];
}
