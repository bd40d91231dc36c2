import { existsSync } from "node:fs";
import { errorMessage } from "../error.ts";
import type { FailurePointers } from "../image/failure-markdown.ts";
import type { Host } from "../pipeline/host.ts";
import type { CommandContext } from "./context.ts";
import { type ReproducibleJob, reproduceCommand } from "./reproduce.ts";

/** Keeps what a failed run left in a directory where the page can name it; undefined when it could not. */
export type KeepBundle = (directory: string) => Promise<string | undefined>;

/** What a page tells of a failure beside its message. A bundle that cannot be kept is a warning: the page is needed all the more. */
export async function failurePointers(
  { platform, env, cwd }: CommandContext,
  { directories, redact }: Host,
  job: ReproducibleJob,
  keepBundle: KeepBundle | undefined,
): Promise<FailurePointers> {
  const reproduce = redact(reproduceCommand(job, { env, cwd }));
  try {
    const bundle = existsSync(directories.failure) ? await keepBundle?.(directories.failure) : undefined;
    return bundle === undefined ? { reproduce } : { reproduce, bundle };
  } catch (error) {
    platform.annotate({
      level: "warning",
      message: `events and logs of the failure are not kept: ${errorMessage(error)}`,
    });
    return { reproduce };
  }
}
