import type { ServerResponse } from "node:http";
import { type GitLabOperation, operations } from "./gitlab-operations.ts";
import {
  type Answer,
  emptyState,
  type FakePipeline,
  type FakeUser,
  type GitLabState,
  perform,
  refused,
} from "./gitlab-state.ts";
import { type HttpFixture, type SeenRequest, sendJson, startHttpFixture } from "./http-fixture.ts";

export type FakeToken =
  | { readonly kind: "job" }
  | { readonly kind: "access"; readonly user: FakeUser; readonly scopes: readonly ("read_api" | "api")[] };

/** Goes wrong once: before anything is done, or after it was done. */
export interface Trouble {
  readonly operation: string;
  readonly when: "before" | "after";
  /** 0 cuts the connection. */
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface FakeGitLab extends GitLabState {
  /** CI_API_V4_URL. */
  readonly api: string;
  readonly server: HttpFixture;
  /** What a client did that GitLab's description does not allow, or that it was not declared to do; empty when all is well. */
  readonly violations: readonly string[];
  /** `METHOD /template` of each request that was let in. */
  readonly calls: readonly string[];
  fail(...troubles: readonly Trouble[]): void;
  close(): Promise<void>;
}

export interface FakeGitLabOptions {
  readonly project: string;
  readonly mergeRequest?: number;
  readonly tokens: Readonly<Record<string, FakeToken>>;
  /** The operations that the client says it needs. */
  readonly declared: readonly string[];
  /** Those that a commit's status may belong to, by their ids. */
  readonly pipelines?: Readonly<Record<number, FakePipeline>>;
  /** Below which GitLab lives; empty for the root. */
  readonly path?: string;
}

/** GitLab's REST API as far as its published description goes for what we use, over a real HTTP server; strict about the rest. */
export async function startFakeGitLab(options: FakeGitLabOptions): Promise<FakeGitLab> {
  const violations: string[] = [];
  const calls: string[] = [];
  const troubles: Trouble[] = [];
  const state = emptyState();
  for (const [id, pipeline] of Object.entries(options.pipelines ?? {})) state.pipelines.set(Number(id), pipeline);
  const prefix = `${options.path ?? ""}/api/v4`;

  /** Undefined when the connection was cut instead. */
  const judge = (request: SeenRequest, response: ServerResponse): Answer | undefined => {
    const url = new URL(request.path, "http://gitlab.test");
    const path = url.pathname.startsWith(`${prefix}/`) ? url.pathname.slice(prefix.length) : "";
    const operation = operations.find((each) => each.method === request.method && each.path.test(path));
    if (operation === undefined) return { ...refused(404, "404 Not Found"), violation: "no such operation" };
    if (!options.declared.includes(operation.name))
      return { ...refused(403, "403 Forbidden"), violation: "not declared" };
    calls.push(operation.name);
    const before = takeTrouble(operation, "before", response);
    if (before !== "none") return before;

    const token = tokenOf(request, options.tokens);
    if (token === undefined) return refused(401, "401 Unauthorized");
    if (token.kind === "job" && !operation.takesJobToken) {
      return { ...refused(401, "401 Unauthorized"), violation: "not for a job's token" };
    }
    if (token.kind === "access" && !token.scopes.some((scope) => scope === "api" || scope === operation.scope)) {
      return { status: 403, content: { error: "insufficient_scope", error_description: "more is needed" } };
    }
    const problem = problemOf(operation, request, url);
    if (problem !== undefined) return { ...refused(400, problem), violation: problem };
    const parameters = (path.match(operation.path) ?? []).slice(1).map(decodeURIComponent);
    const known = [options.project, ...(operation.name.includes("/notes") ? [String(options.mergeRequest)] : [])];
    if (operation.name !== "GET /user" && known.some((each, position) => parameters[position] !== each)) {
      return refused(404, "404 Not Found");
    }
    const user = token.kind === "access" ? token.user : { id: 0, username: "job" };
    const done = perform(operation, { state, parameters, user, query: url.searchParams, body: bodyOf(request) });
    if (done.status === operation.success && !operation.checkAnswer(done.content)) {
      // Not the client's doing: this server would be no GitLab.
      return { ...done, violation: `answer: ${told(operation.checkAnswer.errors)}` };
    }
    const after = takeTrouble(operation, "after", response);
    return after === "none" ? done : after;
  };

  const takeTrouble = (
    operation: GitLabOperation,
    when: Trouble["when"],
    response: ServerResponse,
  ): Answer | undefined | "none" => {
    const position = troubles.findIndex((each) => each.operation === operation.name && each.when === when);
    const [trouble] = position === -1 ? [] : troubles.splice(position, 1);
    if (trouble === undefined) return "none";
    if (trouble.status !== 0)
      return { ...refused(trouble.status, `${trouble.status} in a test`), headers: trouble.headers };
    response.destroy();
    return undefined;
  };

  const server = await startHttpFixture((request, response) => {
    const answer = judge(request, response);
    if (answer?.violation !== undefined) violations.push(`${request.method} ${request.path}: ${answer.violation}`);
    if (answer !== undefined) sendJson(response, answer.status, answer.content, { ...answer.headers });
  });
  return {
    ...{ api: `${server.url}${prefix}`, server, violations, calls, ...state },
    fail: (...more) => void troubles.push(...more),
    close: () => server.close(),
  };
}

function tokenOf({ headers }: SeenRequest, tokens: FakeGitLabOptions["tokens"]): FakeToken | undefined {
  const given = [headers["private-token"], headers["job-token"]].flat().filter((each) => each !== undefined);
  const token = given.length === 1 ? tokens[given[0] ?? ""] : undefined;
  // Each kind has a header of its own.
  return token?.kind === (headers["job-token"] === undefined ? "access" : "job") ? token : undefined;
}

function problemOf(operation: GitLabOperation, request: SeenRequest, url: URL): string | undefined {
  const { checkQuery, checkBody } = operation;
  if (!checkQuery(Object.fromEntries(url.searchParams))) return `query: ${told(checkQuery.errors)}`;
  if (checkBody === undefined) return request.body.byteLength === 0 ? undefined : "a body where none is read";
  if (request.headers["content-type"] !== "application/json") return "a body that is not called JSON";
  return checkBody(bodyOf(request)) ? undefined : `body: ${told(checkBody.errors)}`;
}

function told(errors: (typeof operations)[number]["checkQuery"]["errors"]): string {
  return (errors ?? [])
    .map(({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`)
    .join("; ");
}

function bodyOf({ body }: SeenRequest): Record<string, unknown> {
  if (body.byteLength === 0) return {};
  const parsed: unknown = JSON.parse(body.toString("utf8"));
  return typeof parsed === "object" && parsed !== null ? { ...parsed } : {};
}
