import { readEventPayload, textAt } from "./event-payload.ts";

/**
 * Why this process may be building what a stranger wrote: a pull or merge request from a fork. Undefined outside of CI
 * and for a project's own branches.
 *
 * @see https://docs.github.com/actions/reference/workflows-and-actions/variables
 * @see https://docs.gitlab.com/ci/variables/predefined_variables/
 */
export async function untrustedEvent(env: Readonly<Record<string, string | undefined>>): Promise<string | undefined> {
  const { CI_MERGE_REQUEST_SOURCE_PROJECT_PATH: source, CI_MERGE_REQUEST_PROJECT_PATH: target } = env;
  if (source !== undefined && source !== target) return `a merge request from the fork ${source}`;
  const event = env.GITHUB_EVENT_NAME;
  if (event === undefined || !/^(pull_request|workflow_run|issue_comment)/.test(event)) return undefined;
  const payload = await readEventPayload(env.GITHUB_EVENT_PATH);
  const head = textAt(payload, ["pull_request", "head", "repo", "full_name"]);
  const runHead = textAt(payload, ["workflow_run", "head_repository", "full_name"]);
  const from = head ?? runHead;
  if (from !== undefined && from === env.GITHUB_REPOSITORY) return undefined;
  // A deleted fork has no name, and a comment does not say whose code it is about: neither is a reason to trust it.
  return from === undefined ? `an event of the kind ${event}` : `a pull request from the fork ${from}`;
}
