import type { RequesterType } from "@gitbeaker/requester-utils";
import type { Commits, MergeRequestNotes, ProjectReleases, Users } from "@gitbeaker/rest";
import { isRecord } from "../oci/json-record.ts";
import type { GitLabTransport } from "./gitlab-transport.ts";

/** The parts of GitLab's REST API that we use, with one token. */
export interface GitLabApi {
  readonly notes: MergeRequestNotes;
  readonly users: Users;
  readonly commits: Commits;
  readonly releases: ProjectReleases;
}

export type GitLabToken =
  | { readonly kind: "access"; readonly text: string }
  /** CI_JOB_TOKEN: may write releases, neither notes nor statuses. */
  | { readonly kind: "job"; readonly text: string };

/**
 * Opens the API through a transport of ours. The library is large and most runs need none of it: it is loaded here.
 *
 * @param server `https://gitlab.example`
 */
export async function openGitLabApi(
  server: string,
  token: GitLabToken,
  transport: GitLabTransport,
): Promise<GitLabApi> {
  const [{ Commits, MergeRequestNotes, ProjectReleases, Users }, { createRequesterFn }] = await Promise.all([
    import("@gitbeaker/rest"),
    import("@gitbeaker/requester-utils"),
  ]);
  const requesterFn = createRequesterFn(
    async (_service, request) => request,
    async (endpoint, request = {}) => {
      const url = new URL(endpoint, `${text(request.prefixUrl).replace(/\/+$/, "")}/`);
      url.search = text(request.searchParams);
      const { status, headers, body } = await transport.send({
        method: text(request.method),
        url,
        headers: texts(request.headers),
        ...(request.body === undefined ? {} : { body: text(request.body) }),
      });
      return { status, headers, body: isRecord(body) || isList(body) ? body : null };
    },
  ) satisfies (...service: never[]) => RequesterType;
  const credential = token.kind === "access" ? { token: token.text } : { jobToken: token.text };
  const options = { host: server, ...credential, requesterFn };
  return {
    notes: new MergeRequestNotes(options),
    users: new Users(options),
    commits: new Commits(options),
    releases: new ProjectReleases(options),
  };
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function texts(value: unknown): Record<string, string> {
  return isRecord(value) ? Object.fromEntries(Object.entries(value).map(([name, each]) => [name, text(each)])) : {};
}

function isList(value: unknown): value is Record<string, unknown>[] {
  return Array.isArray(value) && value.every(isRecord);
}
