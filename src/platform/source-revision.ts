import { readEventPayload, textAt } from "./event-payload.ts";

/** What a CI run builds: a commit, and the ref that it stands on. */
export interface SourceRevision {
  /** The commit's whole id in hex. */
  readonly commit: string;
  readonly ref: SourceRef;
  /** The repository's page, without credentials. */
  readonly source: string | undefined;
}

export type SourceRef =
  | { readonly kind: "branch"; readonly name: string; readonly isDefault: boolean }
  | { readonly kind: "tag"; readonly name: string }
  | { readonly kind: "pull request" | "merge request"; readonly number: number };

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads what a CI system says of the run. Undefined outside of one, and for events that stand on no commit of a branch,
 * tag, pull or merge request.
 *
 * @see https://docs.github.com/actions/reference/workflows-and-actions/variables
 * @see https://docs.gitlab.com/ci/variables/predefined_variables/
 */
export async function sourceRevision(env: Environment): Promise<SourceRevision | undefined> {
  if (env.GITLAB_CI === "true") return gitlabRevision(env);
  if (env.GITHUB_ACTIONS === "true") return await githubRevision(env);
  return undefined;
}

function gitlabRevision(env: Environment): SourceRevision | undefined {
  const ref = gitlabRef(env);
  // Of a merged result, which exists nowhere but in this pipeline, the change's own commit is told.
  const commit = commitId(env.CI_MERGE_REQUEST_SOURCE_BRANCH_SHA || env.CI_COMMIT_SHA);
  if (ref === undefined || commit === undefined) return undefined;
  return { commit, ref, source: webAddress(env.CI_PROJECT_URL) };
}

function gitlabRef(env: Environment): SourceRef | undefined {
  const number = env.CI_MERGE_REQUEST_IID;
  if (number !== undefined && number !== "") return changeRef("merge request", number);
  if (env.CI_COMMIT_TAG) return { kind: "tag", name: env.CI_COMMIT_TAG };
  const branch = env.CI_COMMIT_BRANCH;
  return branch ? { kind: "branch", name: branch, isDefault: branch === env.CI_DEFAULT_BRANCH } : undefined;
}

async function githubRevision(env: Environment): Promise<SourceRevision | undefined> {
  const { GITHUB_REF: ref = "", GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = env;
  const payload = await readEventPayload(env.GITHUB_EVENT_PATH);
  const source = server && repository ? webAddress(`${server}/${repository}`) : undefined;
  const [, change] = /^refs\/pull\/(\d+)\/(?:merge|head)$/.exec(ref) ?? [];
  if (change !== undefined) {
    // GITHUB_SHA is a merge that GitHub made for this run alone.
    const commit = commitId(textAt(payload, ["pull_request", "head", "sha"]) ?? env.GITHUB_SHA);
    const found = changeRef("pull request", change);
    return commit === undefined || found === undefined ? undefined : { commit, ref: found, source };
  }
  const commit = commitId(env.GITHUB_SHA);
  const [, kind, name] = /^refs\/(heads|tags)\/(.+)$/.exec(ref) ?? [];
  if (commit === undefined || name === undefined) return undefined;
  if (kind === "tags") return { commit, ref: { kind: "tag", name }, source };
  const isDefault = textAt(payload, ["repository", "default_branch"]) === name;
  return { commit, ref: { kind: "branch", name, isDefault }, source };
}

function changeRef(kind: "pull request" | "merge request", number: string): SourceRef | undefined {
  return /^[1-9]\d{0,8}$/.test(number) ? { kind, number: Number(number) } : undefined;
}

function commitId(text: string | undefined): string | undefined {
  return text !== undefined && /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text) ? text : undefined;
}

/** It goes into the artifact for all to read: no user, no password, no query. */
function webAddress(text: string | undefined): string | undefined {
  if (text === undefined || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return ["http:", "https:"].includes(url.protocol) ? `${url.origin}${url.pathname}` : undefined;
}
