import { spawn } from "node:child_process";
import { createServer as createPlainServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { Certificate } from "./certificate.ts";

export interface GitServer {
  /** `http://127.0.0.1:PORT`. */
  readonly origin: string;
  /** `GET /repo.git/info/refs?service=git-upload-pack`, with the credential that came along. */
  readonly requests: readonly string[];
  forget(): void;
  stop(): Promise<void>;
}

export interface GitServerOptions {
  /** Repositories are below it. */
  readonly directory: string;
  readonly certificate?: Certificate;
  /** `Basic …`: whoever has it not is refused. */
  readonly authorization?: string;
  /** Speaks no newer protocol than version 0, by which commits are fetched by their names alone. */
  readonly isOld?: boolean;
  /** Where requests for a path are sent on. */
  readonly redirects?: Readonly<Record<string, string>>;
}

/** A real git server on this machine's loopback: git's own http-backend behind Node. */
export async function startGitServer(options: GitServerOptions): Promise<GitServer> {
  const { directory, certificate, authorization, isOld = false, redirects = {} } = options;
  const requests: string[] = [];
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { authorization: given } = request.headers;
    requests.push(`${request.method} ${request.url}${given === undefined ? "" : ` ${given}`}`);
    const url = new URL(request.url ?? "/", "http://localhost");
    const moved = redirects[url.pathname.split("/")[1] ?? ""];
    if (moved !== undefined) response.writeHead(301, { location: `${moved}${request.url}` }).end();
    else if (authorization !== undefined && given !== authorization) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end();
    } else serve(directory, url, isOld ? "" : String(request.headers["git-protocol"] ?? ""), request, response);
  };
  const server =
    certificate === undefined
      ? createPlainServer(answer)
      : createServer({ cert: certificate.certificate, key: certificate.key }, answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return {
    origin: `${certificate === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    requests,
    forget: () => requests.splice(0),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** One request of the Common Gateway Interface (RFC 3875). */
function serve(
  directory: string,
  url: URL,
  protocol: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { headers, method } = request;
  const child = spawn("git", ["http-backend"], {
    env: {
      PATH: process.env.PATH ?? "",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_PROJECT_ROOT: directory,
      GIT_HTTP_EXPORT_ALL: "1",
      GIT_PROTOCOL: protocol,
      REQUEST_METHOD: method,
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: headers["content-type"],
      HTTP_CONTENT_ENCODING: headers["content-encoding"],
      REMOTE_USER: "",
      REMOTE_ADDR: "127.0.0.1",
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  request.pipe(child.stdin);
  child.stdin.on("error", () => undefined);
  let head = Buffer.alloc(0);
  let isBody = false;
  child.stdout.on("data", (chunk: Buffer) => {
    if (isBody) {
      response.write(chunk);
      return;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return;
    isBody = true;
    const fields = head.subarray(0, end).toString().split("\r\n");
    const status = fields.find((field) => /^status:/i.test(field))?.replace(/\D*(\d+).*/, "$1") ?? "200";
    for (const field of fields) {
      const [name = "", value = ""] = field.split(/:\s*/, 2);
      if (!/^status$/i.test(name)) response.setHeader(name, value);
    }
    response.writeHead(Number(status));
    response.write(head.subarray(end + 4));
  });
  child.stdout.once("end", () => response.end());
}
