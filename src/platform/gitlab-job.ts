type Environment = Readonly<Record<string, string | undefined>>;

/** What a job needs to know of itself to speak to the API. */
export interface GitLabJob {
  /** `https://gitlab.example`, with the path that GitLab lives under if it has one. */
  readonly server: string;
  readonly project: string;
  readonly commit: string;
  readonly ref: string;
  readonly pipeline: number | undefined;
  readonly mergeRequest: MergeRequest | undefined;
  /** KUBEFILE_GITLAB_TOKEN: an access token with the scope `api`, which may do what the job's own token may not. */
  readonly token: string | undefined;
  readonly jobToken: string | undefined;
  /** File of the authority that the server's certificate comes from. */
  readonly authorityFile: string | undefined;
}

export interface MergeRequest {
  /** The project that the request would be merged into, where it is discussed. */
  readonly project: string;
  readonly number: number;
  readonly page: string;
}

/** Undefined outside of a GitLab job. */
export function gitlabJob(env: Environment): GitLabJob | undefined {
  const api = env.CI_API_V4_URL;
  const { CI_PROJECT_ID: project, CI_COMMIT_SHA: commit } = env;
  if (env.GITLAB_CI !== "true" || !api || !project || !commit || !URL.canParse(api)) return undefined;
  return {
    server: api.replace(/\/api\/v4\/?$/, ""),
    project,
    commit,
    ref: env.CI_COMMIT_REF_NAME ?? "",
    pipeline: positive(env.CI_PIPELINE_ID),
    mergeRequest: mergeRequest(env, project),
    token: env.KUBEFILE_GITLAB_TOKEN || undefined,
    jobToken: env.CI_JOB_TOKEN || undefined,
    authorityFile: env.CI_SERVER_TLS_CA_FILE || undefined,
  };
}

function mergeRequest(env: Environment, ownProject: string): MergeRequest | undefined {
  const number = positive(env.CI_MERGE_REQUEST_IID);
  if (number === undefined) return undefined;
  return {
    project: env.CI_MERGE_REQUEST_PROJECT_ID || ownProject,
    number,
    page: `${env.CI_MERGE_REQUEST_PROJECT_URL ?? env.CI_PROJECT_URL ?? ""}/-/merge_requests/${number}`,
  };
}

function positive(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined;
}
