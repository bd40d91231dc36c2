import { engineAvailable, engineEnvironment, engineFor } from "../cluster/engine.ts";
import { removeRun } from "../cluster/run-removal.ts";
import { readRun } from "../cluster/run-state.ts";
import { errorMessage } from "../error.ts";
import { type CommandContext, directories } from "./context.ts";

/**
 * Removes whatever a run left, as after a job that was cancelled and killed: the last word of an action. A run that was
 * meant to stay does. What cannot be removed is told, and fails nothing: the next start tries again.
 */
export async function teardownInJob(context: CommandContext, runId: string): Promise<void> {
  const { stdout, platform, signal } = context;
  const { state: stateDirectory } = directories(context, undefined);
  if ((await readRun(stateDirectory, runId))?.keep === "always") {
    stdout.write(`run ${runId} is kept\n`);
    return;
  }
  const environment = engineEnvironment(context.env);
  try {
    const engine = (await engineAvailable(environment, signal)) ? engineFor(environment) : undefined;
    await removeRun(runId, { stateDirectory, ...(engine === undefined ? {} : { engine }) });
    stdout.write(`nothing of run ${runId} is left\n`);
  } catch (error) {
    const message = errorMessage(error);
    stdout.write(`${message}\n`);
    platform.annotate({ level: "warning", message });
  }
}
