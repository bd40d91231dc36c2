import { KubefileError } from "../error.ts";
import { run } from "../process/run.ts";
import { withoutHidden } from "./hidden-variables.ts";
import type { Environment } from "./platform.ts";

/** How two commits of this clone stand to each other. */
export interface CommitHistory {
  /** Whether `later` has `earlier` among its ancestors, or is it; undefined where this clone cannot tell. */
  descends(later: string, earlier: string): Promise<boolean | undefined>;
}

const LOOK_MILLISECONDS = 60_000;
const FETCH_MILLISECONDS = 300_000;

/**
 * The history of the clone that a directory lies in. CI systems clone a few commits only: the rest is fetched when it
 * is asked for, since most runs need none of it.
 */
export function commitHistory(options: {
  readonly directory: string;
  readonly env: Environment;
  readonly signal: AbortSignal;
}): CommitHistory {
  const { directory, env, signal } = options;
  // A job's token is hidden from programs, but it is by that token that a runner lets git fetch.
  const token = env.CI_JOB_TOKEN === undefined ? {} : { CI_JOB_TOKEN: env.CI_JOB_TOKEN };
  const variables = { ...withoutHidden(env), ...token, GIT_TERMINAL_PROMPT: "0" };
  const git = async (args: readonly string[], timeout = LOOK_MILLISECONDS): Promise<{ code: number; said: string }> => {
    const { exitCode, stdout } = await run("git", args, {
      ...{ cwd: directory, env: variables, signal, timeout, allowFailure: true },
    });
    return { code: exitCode, said: stdout.trim() };
  };
  let isWhole = false;
  const fetchRest = async (): Promise<void> => {
    if (isWhole) return;
    isWhole = true;
    const { said } = await git(["rev-parse", "--is-shallow-repository"]);
    if (said === "true") await git(["fetch", "--quiet", "--no-tags", "--unshallow", "origin"], FETCH_MILLISECONDS);
  };
  const compare = async (later: string, earlier: string): Promise<boolean | undefined> => {
    const { code } = await git(["merge-base", "--is-ancestor", earlier, later]);
    return code === 0 ? true : code === 1 ? false : undefined;
  };
  return {
    async descends(later, earlier) {
      if (later === earlier) return true;
      try {
        if ((await compare(later, earlier)) === true) return true;
        // Where commits are missing, "no" may only mean that the way between the two is.
        await fetchRest();
        const { said } = await git(["rev-parse", "--is-shallow-repository"]);
        const { code } = await git(["cat-file", "-e", `${later}^{commit}`]);
        // A whole clone has all that `later` follows: what is not in it is none of that.
        return said === "false" && code === 0 ? ((await compare(later, earlier)) ?? false) : undefined;
      } catch (error) {
        if (error instanceof KubefileError && error.code !== "CANCELLED") return undefined;
        throw error;
      }
    },
  };
}
