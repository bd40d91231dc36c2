import { errorMessage } from "../error.ts";
import type { CommandContext } from "./context.ts";
import type { CommitStatus } from "./platform.ts";
import { pageOfRun } from "./preceding-run.ts";

/**
 * Puts a verdict on the commit. It stands in the log already: where it cannot be written, a warning says so, and where it
 * may not be, nobody has asked for it.
 *
 * @param mark `what` was done, which becomes the status `kubefile/WHAT`
 */
export async function markCommit(
  { platform, env, signal }: CommandContext,
  mark: { readonly what: string; readonly passed: boolean; readonly description: string },
): Promise<void> {
  const url = env.CI_JOB_URL || (await pageOfRun(env));
  const status: CommitStatus = {
    context: `kubefile/${mark.what}`,
    state: mark.passed ? "success" : "failure",
    description: mark.description,
    ...(url === undefined ? {} : { url }),
  };
  await platform.commitStatus(status).catch((error: unknown) => {
    signal.throwIfAborted();
    platform.annotate({ level: "warning", message: `the commit was not marked: ${errorMessage(error)}` });
  });
}
