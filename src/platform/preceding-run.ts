import { readEventPayload, textAt } from "./event-payload.ts";
import type { Environment } from "./platform.ts";

/** The run that a `workflow_run` event tells of. GitHub itself vouches for all of this: none is that run's own word. */
export interface PrecedingRun {
  readonly commit: string;
  readonly branch: string;
  /** `owner/name` of the repository that the branch is in: the fork. */
  readonly repository: string;
  readonly page: string | undefined;
}

/** Undefined when this run follows no other one of a pull request. */
export async function precedingRun(env: Environment): Promise<PrecedingRun | undefined> {
  if (env.GITHUB_EVENT_NAME !== "workflow_run") return undefined;
  const payload = await readEventPayload(env.GITHUB_EVENT_PATH);
  const text = (...path: string[]): string | undefined => textAt(payload, ["workflow_run", ...path]);
  const [event, commit, branch] = [text("event"), text("head_sha"), text("head_branch")];
  const repository = text("head_repository", "full_name");
  if (event !== "pull_request" || commit === undefined || branch === undefined || repository === undefined) {
    return undefined;
  }
  return { commit, branch, repository, page: pageOf(text("html_url")) };
}

/** Where the log of this run, or of the one that it follows, can be read. */
export async function pageOfRun(env: Environment): Promise<string | undefined> {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run } = env;
  const preceding = await precedingRun(env);
  if (preceding !== undefined) return preceding.page;
  return server && repository && run ? pageOf(`${server}/${repository}/actions/runs/${run}`) : undefined;
}

/** It becomes a link in markdown. */
function pageOf(text: string | undefined): string | undefined {
  return text !== undefined && /^https?:\/\/[\w.:/-]+$/.test(text) ? text : undefined;
}
