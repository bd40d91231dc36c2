import type { IncomingHttpHeaders } from "node:http";
import { type HttpFixture, type SeenRequest, sendJson, startHttpFixture } from "../http-fixture.ts";
import { completeAnswer } from "./complete-answer.ts";
import { type Operation, operations } from "./description.ts";
import { mayPerform, type Permissions } from "./permissions.ts";

export interface GitHubCall {
  /** `issues/create-comment`. */
  readonly operation: string;
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** Of JSON; it fits the description. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly bytes: Buffer;
  readonly headers: IncomingHttpHeaders;
}

export interface GitHubAnswer {
  readonly status: number;
  /** What matters of it; the rest that GitHub would send is added. */
  readonly body?: unknown;
}

export interface Trouble {
  readonly method: string;
  readonly status: number;
  readonly headers?: Record<string, string>;
}

export interface GitHubServer {
  /** GITHUB_API_URL. */
  readonly url: string;
  readonly server: HttpFixture;
  /** `METHOD path` of each request, without queries. */
  readonly log: readonly string[];
  /** Of the token `ghs_token`, which is a job's own. */
  permissions: Permissions;
  /** Answers in place of the next ones of a method. */
  readonly troubles: Trouble[];
  /** @throws Error over each request, and each answer of the fake itself, that GitHub's description has not */
  stop(): Promise<void>;
}

/** Pagination is said to work wherever there are pages; of this one operation the description has no parameters. */
const pagesUntold = "packages/get-all-package-versions-for-package-owned-by-user";

/**
 * GitHub's REST API for a job, held against GitHub's published description in both directions: a request that is not in
 * it, or that the token's permissions do not cover, is refused as GitHub refuses it.
 *
 * @param perform does what is asked; undefined where there is no such thing
 */
export async function startGitHubServer(
  permissions: Permissions,
  perform: (call: GitHubCall) => GitHubAnswer | undefined | Promise<GitHubAnswer | undefined>,
): Promise<GitHubServer> {
  const violations: string[] = [];
  const log: string[] = [];
  const server = await startHttpFixture(async (request, response) => {
    const tell = (violation: string): void => void violations.push(`${request.method} ${request.path}: ${violation}`);
    log.push(`${request.method} ${request.path.replace(/\?.*/, "")}`);
    const position = github.troubles.findIndex(({ method }) => method === request.method);
    const [trouble] = position === -1 ? [] : github.troubles.splice(position, 1);
    if (trouble !== undefined) return sendJson(response, trouble.status, { message: "trouble" }, trouble.headers);
    const { status, body } = await answer(request, tell).catch((error: unknown) => {
      tell(String(error));
      return { status: 500, body: { message: "Server Error" } };
    });
    if (status === 204) response.writeHead(status).end();
    else sendJson(response, status, body);
  });
  const github: GitHubServer = {
    ...{ url: server.url, server, log, permissions, troubles: [] },
    async stop() {
      await server.close();
      if (violations.length > 0)
        throw new Error(`GitHub's description has it otherwise:\n${[...new Set(violations)].join("\n")}`);
    },
  };
  return github;

  async function answer(request: SeenRequest, tell: (violation: string) => void): Promise<GitHubAnswer> {
    const { pathname, searchParams } = new URL(request.path, server.url);
    const refused = (status: number, message: string): GitHubAnswer => ({ status, body: { message } });
    if (request.headers["user-agent"] === undefined) tell("GitHub answers nobody without a user agent");
    if (request.headers["x-github-api-version"] !== "2022-11-28") tell("the API's version is not said");
    if (request.headers.authorization !== "Bearer ghs_token") return refused(401, "Bad credentials");
    const found = operations
      .map((operation) => ({ operation, path: operation.match(pathname) }))
      .find(({ operation, path }) => operation.method === request.method && path !== undefined);
    if (found?.path === undefined) {
      tell("no such operation");
      return refused(404, "Not Found");
    }
    const { operation, path } = found;
    if (!mayPerform(operation.id, github.permissions)) return refused(403, "Resource not accessible by integration");
    const query = Object.fromEntries(searchParams);
    const body = operation.body === undefined ? undefined : readJson(request);
    const problem = operation.checkPath({ ...path }) ?? checkQuery(operation, query) ?? operation.checkBody(body);
    if (problem !== undefined) {
      tell(problem);
      return refused(422, "Validation Failed");
    }
    const call = { operation: operation.id, path, query, body: { ...(typeof body === "object" ? body : {}) } };
    const known =
      (await perform({ ...call, bytes: request.body, headers: request.headers })) ?? refused(404, "Not Found");
    const schema = operation.answers[known.status]?.schema;
    const all = { ...known, body: schema === undefined ? known.body : completeAnswer(schema, known.body) };
    const unheard = operation.checkAnswer(all.status, all.body);
    if (unheard !== undefined) tell(`the fake answers otherwise: ${unheard}`);
    return all;
  }
}

function checkQuery(operation: Operation, query: Readonly<Record<string, string>>): string | undefined {
  const { page: _page, per_page: _size, ...rest } = query;
  return operation.checkQuery({ ...(operation.id === pagesUntold ? rest : query) });
}

function readJson({ headers, body }: SeenRequest): unknown {
  return headers["content-type"] === "application/json" ? JSON.parse(body.toString("utf8")) : undefined;
}
