import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { forwardPort, type PodPort, type PortForward } from "../../../src/cluster/port-forward.ts";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const podPort: PodPort = { namespace: "shop", pod: "web-0", port: 8080 };
const data = (content: string | Buffer): Buffer => Buffer.concat([Buffer.from([0]), Buffer.from(content)]);

interface Forwarded {
  readonly forward: PortForward;
  readonly asked: string[];
  readonly problems: string[];
  readonly controller: AbortController;
  connect(): Promise<Socket>;
}

/** A streaming server as a kubelet's: each channel begins with the port's number. */
async function forwardTo(
  serve: (socket: WebSocket) => void,
  locate: () => Promise<PodPort> = async () => podPort,
): Promise<Forwarded> {
  const asked: string[] = [];
  const server = new WebSocketServer({
    host: "127.0.0.1",
    port: 0,
    handleProtocols: (protocols) => (protocols.has("v4.channel.k8s.io") ? "v4.channel.k8s.io" : false),
  });
  await once(server, "listening");
  server.on("connection", (socket, request) => {
    asked.push(request.url ?? "");
    for (const channel of [0, 1]) socket.send(Buffer.from([channel, 0x90, 0x1f]));
    serve(socket);
  });
  closing.push(async () => {
    for (const client of server.clients) client.terminate();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  const none = Buffer.alloc(0);
  const controller = new AbortController();
  const problems: string[] = [];
  const forward = await forwardPort({
    access: { server: `http://127.0.0.1:${address.port}`, ca: none, certificate: none, key: none },
    listen: { address: "127.0.0.1", port: 0 },
    locate,
    signal: controller.signal,
    onProblem: (message) => problems.push(message),
  });
  closing.push(() => forward.close());
  return {
    ...{ forward, asked, problems, controller },
    async connect() {
      const socket = connect({ host: "127.0.0.1", port: forward.port, allowHalfOpen: true });
      closing.push(async () => void socket.destroy());
      await once(socket, "connect");
      return socket;
    },
  };
}

describe("forwardPort", () => {
  test("carries bytes to the pod's port and back, whole and in order", async () => {
    const { asked, connect: open } = await forwardTo((server) => {
      let received = 0;
      server.on("message", (message: Buffer) => {
        received += message.length - 1;
        server.send(message);
        if (received === 3_000_000) server.close();
      });
    });
    const client = await open();
    const sent = Buffer.alloc(3_000_000, "0123456789abcdef");
    client.write(sent);
    expect(await text(client)).toBe(sent.toString());
    expect(asked).toEqual(["/api/v1/namespaces/shop/pods/web-0/portforward?ports=8080"]);
  });

  test("still brings the answer to a client that has ended its side", async () => {
    const { connect: open } = await forwardTo((server) => {
      server.on("message", () =>
        setTimeout(() => {
          server.send(data("answer"));
          server.close();
        }, 100),
      );
    });
    const client = await open();
    client.end("question");
    expect(await text(client)).toBe("answer");
  });

  test("tells what the kubelet says of a port where nothing listens, and closes the connection", async () => {
    const { connect: open, problems } = await forwardTo((server) => {
      server.send(Buffer.concat([Buffer.from([1]), Buffer.from("connection refused\n")]));
    });
    const client = await open();
    expect(await text(client)).toBe("");
    expect(problems).toEqual(["port 8080 of pod shop/web-0: connection refused"]);
  });

  test("asks anew which pod it is after a connection that failed", async () => {
    const answers = [() => Promise.reject(new Error("no pod is ready")), () => Promise.resolve(podPort)];
    const { connect: open, problems } = await forwardTo(
      (server) => {
        server.send(data("here"));
        server.close();
      },
      async () => await (answers.shift() ?? (() => Promise.reject(new Error("asked too often"))))(),
    );
    expect(await text(await open())).toBe("");
    expect(await text(await open())).toBe("here");
    expect(await text(await open())).toBe("here");
    expect(problems).toEqual(["no pod is ready"]);
  });

  test("ends with its signal, connections and all", async () => {
    const { connect: open, controller, forward } = await forwardTo(() => undefined);
    const client = await open();
    const ended = once(client, "end");
    controller.abort();
    client.resume();
    await ended;
    await forward.close();
    await expect(once(connect({ host: "127.0.0.1", port: forward.port }), "connect")).rejects.toThrow("ECONNREFUSED");
  });
});
