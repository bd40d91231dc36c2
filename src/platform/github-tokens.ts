import type { Environment } from "./platform.ts";

/** What this job may write to GitHub with, the best first: the input of an action, a token of one's own, the job's. */
export function githubTokens(env: Environment): readonly string[] {
  return [env["INPUT_GITHUB-TOKEN"], env.KUBEFILE_GITHUB_TOKEN, env.GITHUB_TOKEN].flatMap((token) => token || []);
}
