import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import { promisify } from "node:util";

export interface SeenRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly clientPort: number | undefined;
}

export interface HttpFixture {
  readonly port: number;
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly url: string;
  /** In the order they came. */
  readonly requests: readonly SeenRequest[];
  /** `METHOD path` of each. */
  lines(): string[];
  /** Open ones. */
  connections(): Promise<number>;
  close(): Promise<void>;
}

export type Answerer = (request: SeenRequest, response: ServerResponse, position: number) => void | Promise<void>;

/** An HTTP server on loopback that keeps what it was asked and answers as told. */
export async function startHttpFixture(
  answer: Answerer,
  tls?: { readonly key: string; readonly cert: string },
): Promise<HttpFixture> {
  const requests: SeenRequest[] = [];
  const listener = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of incoming) chunks.push(chunk);
    } catch {
      return;
    }
    const request = {
      method: incoming.method ?? "",
      path: incoming.url ?? "",
      headers: incoming.headers,
      body: Buffer.concat(chunks),
      clientPort: incoming.socket.remotePort,
    };
    requests.push(request);
    await answer(request, response, requests.length - 1);
  };
  const server: Server =
    tls === undefined
      ? createServer((request, response) => void listener(request, response))
      : createTlsServer({ ...tls }, (request, response) => void listener(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const host = `127.0.0.1:${address.port}`;
  return {
    port: address.port,
    host,
    url: `${tls === undefined ? "http" : "https"}://${host}`,
    requests,
    lines: () => requests.map(({ method, path }) => `${method} ${path}`),
    connections: promisify(server.getConnections.bind(server)),
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Answers with JSON. */
export function sendJson(
  response: ServerResponse,
  status: number,
  content: unknown,
  headers: Record<string, string> = {},
): void {
  const bytes = Buffer.from(JSON.stringify(content));
  response.writeHead(status, { "content-type": "application/json", "content-length": bytes.byteLength, ...headers });
  response.end(bytes);
}
