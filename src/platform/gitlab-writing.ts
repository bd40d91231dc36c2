import { readFile } from "node:fs/promises";
import { errorMessage, KubefileError } from "../error.ts";
import { type GitLabApi, type GitLabToken, openGitLabApi } from "./gitlab-api.ts";
import type { GitLabJob } from "./gitlab-job.ts";
import { writeNote } from "./gitlab-note.ts";
import { publishRelease, type ReleaseText } from "./gitlab-release.ts";
import { createGitLabTransport, GitLabRefusal } from "./gitlab-transport.ts";
import type { CommitStatus, Environment, NoteOutcome } from "./platform.ts";
import { proxySettings } from "./proxy-settings.ts";

/** What writing to GitLab takes. */
export interface GitLabWriting {
  /** Absent when the job's variables do not say where GitLab is. */
  readonly job: GitLabJob | undefined;
  readonly env: Environment;
  readonly signal: AbortSignal;
}

const noJob: NoteOutcome = { state: "skipped", reason: "CI_API_V4_URL, CI_PROJECT_ID or CI_COMMIT_SHA is not set" };
const noToken: NoteOutcome = {
  state: "skipped",
  reason: "KUBEFILE_GITLAB_TOKEN is not set, and a job's own token may not write here",
};

/** @throws KubefileError PLATFORM, USAGE */
export async function writeStickyNote(writing: GitLabWriting, key: string, markdown: string): Promise<NoteOutcome> {
  const { job } = writing;
  if (job === undefined) return noJob;
  const { mergeRequest, token } = job;
  if (mergeRequest === undefined) return { state: "skipped", reason: "this pipeline belongs to no merge request" };
  if (token === undefined) return noToken;
  const url = await withApi(writing, job, { kind: "access", text: token }, (api) =>
    writeNote(api, mergeRequest, key, markdown),
  );
  return { state: "written", url };
}

/** Characters that GitLab keeps of a status's description. */
const LONGEST_DESCRIPTION = 255;

/** @throws KubefileError PLATFORM */
export async function setCommitStatus(writing: GitLabWriting, status: CommitStatus): Promise<NoteOutcome> {
  const { job } = writing;
  if (job === undefined) return noJob;
  if (job.token === undefined) return noToken;
  const state = status.state === "failure" ? "failed" : status.state;
  await withApi(writing, job, { kind: "access", text: job.token }, async ({ commits }) => {
    try {
      await commits.editStatus(job.project, job.commit, state, {
        name: status.context,
        description: status.description.slice(0, LONGEST_DESCRIPTION),
        ...(status.url === undefined ? {} : { targetUrl: status.url }),
        ...pipelineOf(job),
      });
    } catch (error) {
      if (!isThatAlready(error)) throw error;
    }
  });
  return { state: "written" };
}

/**
 * Makes a release of a tag. A job's own token may do that, so that none has to be made for it.
 *
 * @throws KubefileError PLATFORM, USAGE outside of a GitLab job
 */
export async function releaseOnGitLab(writing: GitLabWriting, release: ReleaseText): Promise<"created" | "updated"> {
  const { job } = writing;
  const own = job?.jobToken === undefined ? undefined : ({ kind: "job", text: job.jobToken } as const);
  const token = own ?? (job?.token === undefined ? undefined : ({ kind: "access", text: job.token } as const));
  if (job === undefined || token === undefined) {
    throw new KubefileError("USAGE", "there is no GitLab to release on", { hint: "run it in a job of GitLab" });
  }
  return await withApi(writing, job, token, (api) => publishRelease(api, job.project, release));
}

/**
 * Without a pipeline GitLab picks, or makes, another one of the same commit. A merge request's pipeline has a ref of its
 * own, not the one in CI_COMMIT_REF_NAME, and is not found by that: where it is named, the ref is GitLab's business.
 */
function pipelineOf({ pipeline, ref }: GitLabJob): { readonly pipelineId?: number; readonly ref?: string } {
  if (pipeline !== undefined) return { pipelineId: pipeline };
  return ref === "" ? {} : { ref };
}

/** GitLab refuses to set a status to what it is. */
function isThatAlready(error: unknown): boolean {
  return error instanceof GitLabRefusal && error.status === 400 && /cannot transition status/i.test(error.message);
}

async function withApi<Result>(
  { env, signal }: GitLabWriting,
  job: GitLabJob,
  token: GitLabToken,
  work: (api: GitLabApi) => Promise<Result>,
): Promise<Result> {
  const authorities = job.authorityFile === undefined ? undefined : await readAuthorities(job.authorityFile);
  const transport = createGitLabTransport({ signal, authorities, proxy: proxySettings(env) });
  try {
    return await work(await openGitLabApi(job.server, token, transport));
  } finally {
    await transport.close();
  }
}

async function readAuthorities(file: string): Promise<string> {
  return await readFile(file, "utf8").catch((error: unknown) => {
    throw new KubefileError("PLATFORM", `CI_SERVER_TLS_CA_FILE cannot be read: ${errorMessage(error)}`, {
      hint: "the runner names the authority of its GitLab there: mend its configuration",
      cause: error,
    });
  });
}
