import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream";

export interface CountedRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly status: number;
}

export interface CountingProxy {
  /** `127.0.0.1:PORT`, or the address asked for. */
  readonly host: string;
  /** Every request that was answered, in order of answers. */
  readonly requests: readonly CountedRequest[];
  /** Those of some methods. */
  count(...methods: string[]): number;
  clear(): void;
  stop(): Promise<void>;
}

/** Looks at a request before it is passed on; answers it itself by returning a status and a body. */
export type Intercept = (
  method: string,
  url: string,
  body: () => Promise<Buffer>,
) => Promise<{ readonly status: number; readonly body: string } | undefined>;

/** An HTTP proxy before one registry that counts what passes, and may answer in the registry's place. */
export async function startCountingProxy(
  target: string,
  intercept?: Intercept,
  address = "127.0.0.1",
): Promise<CountingProxy> {
  const requests: CountedRequest[] = [];
  const handle = async (incoming: IncomingMessage, answer: ServerResponse): Promise<void> => {
    const { method = "GET", url = "/" } = incoming;
    let read: Buffer | undefined;
    const body = async (): Promise<Buffer> => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk);
      read = Buffer.concat(chunks);
      return read;
    };
    const own = await intercept?.(method, url, body);
    if (own !== undefined) {
      requests.push({ method, url, status: own.status });
      answer.writeHead(own.status, { "content-type": "application/json" }).end(own.body);
      return;
    }
    const passed = request(`http://${target}${url}`, { method, headers: incoming.headers }, (reply) => {
      const status = reply.statusCode ?? 502;
      requests.push({ method, url, status });
      answer.writeHead(status, reply.headers);
      pipeline(reply, answer, () => undefined);
    });
    passed.on("error", () => answer.destroy());
    if (read === undefined) pipeline(incoming, passed, () => undefined);
    else passed.end(read);
  };
  const server = createServer((incoming, answer) => {
    handle(incoming, answer).catch(() => answer.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  return {
    host: `${address}:${(server.address() as AddressInfo).port}`,
    requests,
    count: (...methods) => requests.filter(({ method }) => methods.includes(method)).length,
    clear: () => requests.splice(0),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
