import { engineAvailable, engineEnvironment, engineFor } from "../cluster/engine.ts";
import { removeRun } from "../cluster/run-removal.ts";
import { readRun } from "../cluster/run-state.ts";
import { errorMessage } from "../error.ts";
import { liveness } from "../process/process-identity.ts";
import { type CommandContext, directories } from "./context.ts";

/**
 * Removes whatever a run left, as after a job that was cancelled and killed: the last word of an action. A run that was
 * meant to stay does, and one whose name is not this job's alone goes only when this machine knows that it ended. What cannot be removed is told, and fails nothing: the next start tries again.
 */
export async function teardownInJob(context: CommandContext, runId: string, isShared = false): Promise<void> {
  const { stdout, platform, signal } = context;
  const { state: stateDirectory } = directories(context, undefined);
  const state = await readRun(stateDirectory, runId);
  if (state?.keep === "always") {
    stdout.write(`run ${runId} is kept\n`);
    return;
  }
  // A preview that stays has the name of the one before, which another job may have left or be making.
  if (isShared && (state === undefined || (await liveness(state.owner)) !== "dead")) return;
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
