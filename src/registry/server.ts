import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { errorMessage, KubefileError } from "../error.ts";
import { serveRequest } from "./server-request.ts";
import type { ContentSource, PullEvent } from "./types.ts";

export interface RegistryServerOptions {
  /** The address to bind: the gateway of a run's network, or loopback. */
  readonly host: string;
  /** A free one when absent. */
  readonly port?: number;
  readonly source: ContentSource;
  /** A header that every request must carry; only a server on loopback may go without. Lower-case name. */
  readonly accessHeader?: { readonly name: string; readonly value: string };
  /** The registry meant by requests without `ns`; they are refused when absent. */
  readonly defaultNamespace?: string;
  /** Called once for each request, when its answer has ended. */
  readonly onEvent?: (event: PullEvent) => void;
  readonly limits?: Partial<ServerLimits>;
  readonly clock?: () => Date;
}

export interface ServerLimits {
  readonly connections: number;
  /** Milliseconds until a client has sent its headers. */
  readonly headers: number;
  /** Milliseconds without a byte in either direction. */
  readonly idle: number;
  /** Milliseconds that the source may take before the answer starts; nodes give up at 30 s. */
  readonly answer: number;
}

const defaultLimits: ServerLimits = { connections: 512, headers: 10_000, idle: 300_000, answer: 25_000 };

export interface RegistryServer {
  readonly address: string;
  readonly port: number;
  /** `http://ADDRESS:PORT`. */
  readonly url: string;
  /** Ends all connections, also those that are in use. */
  close(): Promise<void>;
}

/**
 * Serves the pull half of the distribution-spec from a source, for many registries at once: the `ns` parameter says
 * which one a repository belongs to. Plain http, so it never asks for credentials.
 *
 * @throws KubefileError PROXY_UNREACHABLE when the address cannot be bound
 */
export async function startRegistryServer(options: RegistryServerOptions): Promise<RegistryServer> {
  if (options.accessHeader === undefined && !/^(127\.|::1$|localhost$)/.test(options.host)) {
    throw new KubefileError("INTERNAL", `a registry on ${options.host} needs an access header`);
  }
  const limits = { ...defaultLimits, ...options.limits };
  const server = createServer({ maxHeaderSize: 16 * 1024, headersTimeout: limits.headers, requestTimeout: 30_000 });
  server.on(
    "request",
    (request, response) => void serveRequest(request, response, { ...options, answerWithin: limits.answer }),
  );
  server.on("connect", (_request, socket) => {
    socket.on("error", () => undefined);
    socket.end("HTTP/1.1 405 Method Not Allowed\r\nconnection: close\r\n\r\n");
  });
  server.maxConnections = limits.connections;
  server.keepAliveTimeout = 60_000;
  server.setTimeout(limits.idle);
  const { address, port, family } = await listen(server, options);
  return {
    address,
    port,
    url: `http://${family === "IPv6" ? `[${address}]` : address}:${port}`,
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}

function listen(server: Server, { host, port = 0 }: RegistryServerOptions): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    // Also later, as when this process has no file descriptor left for one more connection: that one fails, not all.
    server.on("error", (error) => {
      reject(
        new KubefileError("PROXY_UNREACHABLE", `cannot listen on ${host}:${port}: ${errorMessage(error)}`, {
          cause: error,
        }),
      );
    });
    server.listen({ host, port }, () => {
      const bound = server.address();
      if (bound !== null && typeof bound === "object") resolve(bound);
    });
  });
}
