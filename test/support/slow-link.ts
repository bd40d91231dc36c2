import { connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface SlowLink {
  /** `127.0.0.1:PORT`, in front of the target. */
  readonly host: string;
  /** Bytes that went up to the target so far, heads of requests included. */
  bytesUp(): number;
  /** Every connection is cut once so many more bytes have gone up. */
  cutAfter(bytes: number): void;
  /** Connections that are open. */
  connections(): number;
  /** Goes at full speed from now on. */
  hurry(): void;
  close(): Promise<void>;
}

/** A line to a server that counts what goes up, as slowly as a test wants it, and breaks when it is told to. */
export async function startSlowLink(target: string, bytesPerSecond = Number.POSITIVE_INFINITY): Promise<SlowLink> {
  const [address = "", port] = target.split(":");
  const sockets = new Set<Socket>();
  let [up, limit, speed] = [0, Number.POSITIVE_INFINITY, bytesPerSecond];
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const carry = async (from: Socket, to: Socket): Promise<void> => {
    for await (const chunk of from) {
      const passed: Buffer = chunk.subarray(0, limit - up);
      up += passed.byteLength;
      to.write(passed);
      if (up >= limit) {
        limit = Number.POSITIVE_INFINITY;
        // What was passed arrives before the end does.
        await sleep(50);
        return cut();
      }
      await sleep((passed.byteLength / speed) * 1_000);
    }
    to.end();
  };
  const server = createServer((near) => {
    const far = connect(Number(port), address);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.once("close", () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    far.pipe(near);
    carry(near, far).catch(() => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("no port");
  return {
    host: `127.0.0.1:${bound.port}`,
    bytesUp: () => up,
    cutAfter(bytes) {
      limit = up + bytes;
    },
    connections: () => sockets.size / 2,
    hurry() {
      speed = Number.POSITIVE_INFINITY;
    },
    close() {
      cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
