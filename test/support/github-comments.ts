import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { json } from "node:stream/consumers";

export interface FakeComment {
  readonly id: number;
  body: string;
  readonly user: { readonly id: number; readonly type: "Bot" | "User" };
}

export interface FakeGitHub {
  readonly url: string;
  readonly comments: FakeComment[];
  readonly statuses: unknown[];
  /** Open pull requests, as far as they are asked for. */
  readonly requests: {
    readonly number: number;
    readonly sha: string;
    readonly repository: string;
    readonly branch: string;
  }[];
  readonly log: string[];
  /** Answers in place of the next ones of a method. */
  readonly troubles: { readonly method: string; readonly status: number; readonly headers?: Record<string, string> }[];
  permission: "read" | "write";
  /** Called before a comment is made: another job may be faster. */
  beforeCreate: () => void;
  stop(): Promise<void>;
}

const bot = { id: 41_898_282, type: "Bot" } as const;

/** GitHub's comments of one pull request and statuses of commits, for a job's own token. */
export async function startFakeGitHub(): Promise<FakeGitHub> {
  const server = createServer((request, response) => {
    void answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  const fake: FakeGitHub = {
    url: `http://127.0.0.1:${address.port}`,
    ...{ comments: [], statuses: [], requests: [], log: [], troubles: [], permission: "write" },
    beforeCreate: () => undefined,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "" } = request;
    const { pathname, searchParams } = new URL(url, fake.url);
    fake.log.push(`${method} ${pathname}`);
    const send = (status: number, body: unknown, headers: Record<string, string> = {}): void => {
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(status === 204 ? undefined : JSON.stringify(body));
    };
    const body = method === "POST" || method === "PATCH" ? await json(request) : undefined;
    const position = fake.troubles.findIndex((trouble) => trouble.method === method);
    const [trouble] = position === -1 ? [] : fake.troubles.splice(position, 1);
    if (trouble !== undefined) return send(trouble.status, { message: "trouble" }, trouble.headers);
    if (request.headers.authorization !== "Bearer ghs_token") return send(401, { message: "Bad credentials" });
    if (pathname === "/user") return send(403, { message: "Resource not accessible by integration" });
    if (method !== "GET" && fake.permission === "read") {
      return send(403, { message: "Resource not accessible by integration" });
    }
    const text = typeof body === "object" && body !== null && "body" in body ? String(body.body) : "";
    const all = "/repos/shop/app/issues/12/comments";
    const [, id] = /^\/repos\/shop\/app\/issues\/comments\/(\d+)$/.exec(pathname) ?? [];
    const comment = fake.comments.find((one) => one.id === Number(id));
    const shown = (one: FakeComment): unknown => ({ ...one, html_url: `https://github.example/12#${one.id}` });
    if (method === "GET" && pathname === all) {
      const [page, size] = [Number(searchParams.get("page")), Number(searchParams.get("per_page"))];
      return send(200, fake.comments.slice((page - 1) * size, page * size).map(shown));
    }
    if (method === "POST" && pathname === all) {
      fake.beforeCreate();
      const made: FakeComment = { id: 1_000 + fake.comments.length, body: text, user: bot };
      fake.comments.push(made);
      return send(201, shown(made));
    }
    if (method === "GET" && pathname === "/repos/shop/app/pulls") {
      const head = searchParams.get("head");
      const open = fake.requests.filter(({ repository, branch }) => `${repository.split("/")[0]}:${branch}` === head);
      return send(
        200,
        open.map(({ number, sha, repository }) => ({ number, head: { sha, repo: { full_name: repository } } })),
      );
    }
    if (method === "POST" && pathname.startsWith("/repos/shop/app/statuses/")) {
      fake.statuses.push(body);
      return send(201, {});
    }
    if (comment === undefined) return send(404, { message: "Not Found" });
    if (method === "DELETE") {
      fake.comments.splice(fake.comments.indexOf(comment), 1);
      return send(204, undefined);
    }
    comment.body = text;
    return send(200, shown(comment));
  }
}
