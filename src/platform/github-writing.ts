import { KubefileError } from "../error.ts";
import { type GitHubApi, GitHubRefusal, openGitHubApi } from "./github-api.ts";
import { writeComment } from "./github-note.ts";
import { publishGitHubRelease } from "./github-release.ts";
import { openRequestOf } from "./github-requests.ts";
import { githubTokens } from "./github-tokens.ts";
import type { CommitStatus, Environment, NoteOutcome, Release } from "./platform.ts";
import { precedingRun } from "./preceding-run.ts";
import { proxySettings } from "./proxy-settings.ts";
import { sourceRevision } from "./source-revision.ts";

export interface GitHubWriting {
  readonly env: Environment;
  readonly signal: AbortSignal;
}

const noToken: NoteOutcome = { state: "skipped", reason: "no token to write with was given" };
/** Characters that GitHub takes as a status's description. */
const LONGEST_DESCRIPTION = 140;

/**
 * Writes to the pull request of this run, or of the run that it follows: that of a fork, whose own may not.
 *
 * @throws KubefileError PLATFORM when GitHub does not answer as it should, USAGE
 */
export async function writeStickyComment(writing: GitHubWriting, key: string, markdown: string): Promise<NoteOutcome> {
  const preceding = await precedingRun(writing.env);
  const revision = await sourceRevision(writing.env);
  if (preceding === undefined && revision?.ref.kind !== "pull request") {
    return { state: "skipped", reason: "this run belongs to no pull request" };
  }
  return await write(writing, async (api, repository) => {
    const number =
      preceding !== undefined
        ? await openRequestOf(api, repository, preceding)
        : revision?.ref.kind === "pull request"
          ? revision.ref.number
          : undefined;
    if (number === undefined)
      return { state: "skipped", reason: "no open pull request stands on the commit of that run" };
    const url = await writeComment(api, { repository, number }, key, markdown);
    return { state: "written", ...(url === "" ? {} : { url }) };
  });
}

/** @throws KubefileError PLATFORM when GitHub does not answer as it should */
export async function setGitHubStatus(writing: GitHubWriting, status: CommitStatus): Promise<NoteOutcome> {
  const revision = await sourceRevision(writing.env);
  if (revision === undefined) return { state: "skipped", reason: "this run stands on no commit" };
  return await write(writing, async (api, repository) => {
    await api.send({
      method: "POST",
      path: `/repos/${repository}/statuses/${revision.commit}`,
      body: {
        state: status.state,
        context: status.context,
        description: status.description.slice(0, LONGEST_DESCRIPTION),
        ...(status.url === undefined ? {} : { target_url: status.url }),
      },
    });
    return { state: "written" };
  });
}

/**
 * Makes a release of a tag.
 *
 * @throws KubefileError PLATFORM, USAGE outside of a GitHub job or without a token
 */
export async function releaseOnGitHub({ env, signal }: GitHubWriting, release: Release): Promise<NoteOutcome> {
  const [token] = githubTokens(env);
  const { GITHUB_API_URL: server, GITHUB_REPOSITORY: repository } = env;
  if (!token || !server || !URL.canParse(server) || !repository || !isRepository(repository)) {
    throw new KubefileError("USAGE", "there is no GitHub to release on, or no token for it", {
      hint: "run it in a job of GitHub, with `env: GITHUB_TOKEN: ${{ github.token }}` and `permissions: contents: write`",
    });
  }
  await using api = openGitHubApi({ server, token, signal, proxy: proxySettings(env), permission: "contents: write" });
  const url = await publishGitHubRelease(api, { server, repository }, release);
  return { state: "written", ...(url === "" ? {} : { url }) };
}

function isRepository(text: string): boolean {
  return /^[\w.-]+\/[\w.-]+$/.test(text);
}

/** Without the permission nothing is written, which is no failure: events of forks never have it. */
async function write(
  { env, signal }: GitHubWriting,
  work: (api: GitHubApi, repository: string) => Promise<NoteOutcome>,
): Promise<NoteOutcome> {
  const [token] = githubTokens(env);
  const { GITHUB_API_URL: server, GITHUB_REPOSITORY: repository } = env;
  if (!token) return noToken;
  if (!server || !URL.canParse(server) || !repository || !isRepository(repository)) {
    return { state: "skipped", reason: "GITHUB_API_URL or GITHUB_REPOSITORY is not set" };
  }
  await using api = openGitHubApi({ server, token, signal, proxy: proxySettings(env) });
  try {
    return await work(api, repository);
  } catch (error) {
    if (isForbidden(error)) return { state: "skipped", reason: `${error.message}; ${error.hint ?? ""}` };
    throw error;
  }
}

function isForbidden(error: unknown): error is KubefileError {
  return error instanceof GitHubRefusal && [401, 403, 404].includes(error.status);
}
