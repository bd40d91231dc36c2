import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { type Duplex, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createWebSocketStream, WebSocket } from "ws";
import { errorMessage, KubefileError } from "../error.ts";
import { onAbort } from "../process/on-abort.ts";
import type { ApiAccess } from "./kubeconfig.ts";

/** A port of a pod. */
export interface PodPort {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

export interface PortForwardOptions {
  readonly access: ApiAccess;
  /** Where to listen; port 0 takes a free one. */
  readonly listen: { readonly address: string; readonly port: number };
  /** Asked before the first connection, and again after one that failed: pods come and go. */
  readonly locate: (signal: AbortSignal) => Promise<PodPort>;
  /** Ends the forward and its connections. */
  readonly signal: AbortSignal;
  /** Hears of a connection that did not come through; the client sees it closed. */
  readonly onProblem: (message: string) => void;
}

export interface PortForward {
  readonly port: number;
  close(): Promise<void>;
}

/** The protocol of the kubelet's streaming server: one byte of channel number before each message. */
const PROTOCOL = "v4.channel.k8s.io";
const DATA_CHANNEL = 0;
const ERROR_CHANNEL = 1;
const CONNECT_TIMEOUT = 15_000;
/** For a client that has ended its side of the connection, milliseconds. */
const LINGER = 15_000;
const MAX_CONNECTIONS = 256;
/** More than any streaming server puts into one message. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/**
 * Listens on a local port and carries each connection through the API server to a pod, as `kubectl port-forward` does:
 * that works wherever the API server can be reached, and past any cut of the pods' own network.
 *
 * @throws KubefileError STORE_UNUSABLE when the address cannot be listened on
 */
export async function forwardPort(options: PortForwardOptions): Promise<PortForward> {
  const closing = new AbortController();
  const signal = AbortSignal.any([options.signal, closing.signal]);
  const connections = new Set<Socket>();
  let located: Promise<PodPort> | undefined;
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
    // Its failure ends the pipeline below, which tells.
    socket.on("error", () => undefined);
    located ??= options.locate(signal);
    carry(socket, located, options.access, signal).catch((error: unknown) => {
      located = undefined;
      socket.destroy();
      if (!signal.aborted) options.onProblem(errorMessage(error));
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  const { address, port } = options.listen;
  try {
    server.listen({ host: address, port, exclusive: true });
    await once(server, "listening", { signal });
  } catch (error) {
    server.close();
    signal.throwIfAborted();
    throw new KubefileError("STORE_UNUSABLE", `${address}:${port} cannot be listened on: ${errorMessage(error)}`, {
      hint: "choose another address or port, or end what uses it",
      cause: error,
    });
  }
  const end = (): void => {
    closing.abort();
    server.close();
    for (const socket of connections) socket.destroy();
  };
  const stopListening = onAbort(options.signal, end);
  const bound = server.address();
  return {
    port: typeof bound === "object" && bound !== null ? bound.port : port,
    async close() {
      stopListening();
      const closed = server.listening ? once(server, "close") : undefined;
      end();
      await closed;
    },
  };
}

async function carry(socket: Socket, located: Promise<PodPort>, access: ApiAccess, signal: AbortSignal): Promise<void> {
  const target = await located;
  const webSocket = connect(access, target);
  const tunnel = createWebSocketStream(webSocket, { readableObjectMode: true });
  let linger: NodeJS.Timeout | undefined;
  const send = async (): Promise<void> => {
    await pipeline(socket, intoChannel(), tunnel, { signal, end: false });
    // The protocol knows no half-closed connection: the client has said all it wants, the answer may still be coming.
    linger = setTimeout(() => webSocket.terminate(), LINGER);
  };
  try {
    await Promise.all([send(), pipeline(tunnel, outOfChannels(target), socket, { signal })]);
  } catch (error) {
    if (isOrdinaryEnd(error)) return;
    throw error;
  } finally {
    clearTimeout(linger);
    webSocket.terminate();
  }
}

function connect({ server, ca, certificate, key }: ApiAccess, { namespace, pod, port }: PodPort): WebSocket {
  const url = new URL(`/api/v1/namespaces/${namespace}/pods/${pod}/portforward?ports=${port}`, server);
  url.protocol = url.protocol === "http:" ? "ws:" : "wss:";
  return new WebSocket(url, PROTOCOL, {
    ...{ ca, cert: certificate, key, maxPayload: MAX_MESSAGE_BYTES },
    handshakeTimeout: CONNECT_TIMEOUT,
    perMessageDeflate: false,
    followRedirects: false,
  });
}

function intoChannel(): Transform {
  const channel = Buffer.from([DATA_CHANNEL]);
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => done(null, Buffer.concat([channel, chunk])),
  });
}

/** Takes the channel's number off; each channel's first message is the number of the port, two bytes. */
function outOfChannels({ namespace, pod, port }: PodPort): Duplex {
  const begun = new Set<number>();
  return new Transform({
    writableObjectMode: true,
    transform(message: Buffer, _encoding, done) {
      const channel = message[0] ?? -1;
      const data = message.subarray(1);
      if (!begun.has(channel)) {
        begun.add(channel);
        done(null, data.subarray(2));
      } else if (channel === ERROR_CHANNEL && data.length > 0) {
        done(new Error(`port ${port} of pod ${namespace}/${pod}: ${data.toString("utf8").trim()}`));
      } else {
        done(null, channel === DATA_CHANNEL ? data : undefined);
      }
    },
  });
}

/** Either side went away in the middle: what happens to any connection. */
function isOrdinaryEnd(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ERR_STREAM_PREMATURE_CLOSE" || code === "ECONNRESET" || code === "EPIPE";
}
