import { createGitHubPlatform } from "./github.ts";
import { createGitLabPlatform } from "./gitlab.ts";
import type { Environment, Platform, TextOutput } from "./platform.ts";
import { terminal } from "./terminal.ts";

/**
 * The CI system that this process runs in, told by the variables that it sets.
 *
 * @param log where the CI system reads the log
 */
export function detectPlatform(process: {
  readonly env: Environment;
  readonly cwd: string;
  readonly log: TextOutput;
  readonly signal: AbortSignal;
}): Platform {
  if (process.env.GITHUB_ACTIONS === "true") return createGitHubPlatform(process);
  return process.env.GITLAB_CI === "true" ? createGitLabPlatform(process) : terminal;
}
