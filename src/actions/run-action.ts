import { writeSync } from "node:fs";
import { type CommandContext, processContext } from "../platform/context.ts";
import { packageVersion } from "../platform/version.ts";

/**
 * Runs one action and ends the process. Whatever is large is loaded by the work, so that the log begins at once.
 *
 * @param name told first, with the version
 * @param work gives the exit code; what it throws is told, and has one of its own
 */
export async function runAction(name: string, work: (context: CommandContext) => Promise<number>): Promise<void> {
  writeSync(1, `kubefile ${name} ${packageVersion()}\n`);
  const context = processContext();
  process.exitCode = await work(context).catch((error: unknown) =>
    tell(context.signal.aborted ? context.signal.reason : error, context),
  );
  // Kept-alive sockets and timers of libraries must not hold the process once all is cleaned up.
  process.exit();
}

async function tell(error: unknown, { stderr, platform }: CommandContext): Promise<number> {
  const [{ printError }, { annotateError }, { asKubefileError }] = await Promise.all([
    import("../platform/print-error.ts"),
    import("../platform/annotate-error.ts"),
    import("../pipeline/failure.ts"),
  ]);
  const exitCode = printError(error, stderr, false);
  annotateError(platform, asKubefileError(error));
  return exitCode;
}
