import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream";

export interface CountedRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly status: number;
  /** Bytes of the request's body, as far as they had passed when the answer began. */
  readonly sent: number;
  /** Bytes of the answer's body that have passed so far. */
  readonly received: number;
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
  const note = (method: string, url: string, status: number): { sent: number; received: number } => {
    const counted = { method, url, status, sent: 0, received: 0 };
    requests.push(counted);
    return counted;
  };
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
      note(method, url, own.status);
      answer.writeHead(own.status, { "content-type": "application/json" }).end(own.body);
      return;
    }
    let sent = read?.byteLength ?? 0;
    const passed = request(`http://${target}${url}`, { method, headers: incoming.headers }, (reply) => {
      const status = reply.statusCode ?? 502;
      const counted = note(method, url, status);
      counted.sent = sent;
      reply.on("data", (chunk: Buffer) => {
        counted.received += chunk.byteLength;
      });
      answer.writeHead(status, reply.headers);
      pipeline(reply, answer, () => undefined);
    });
    passed.on("error", () => answer.destroy());
    if (read === undefined) {
      incoming.on("data", (chunk: Buffer) => {
        sent += chunk.byteLength;
      });
      pipeline(incoming, passed, () => undefined);
    } else passed.end(read);
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
