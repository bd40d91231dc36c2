import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectEngine, type Engine, engineEnvironment } from "../../../src/cluster/engine.ts";
import { type ProcessIdentity, processIdentity } from "../../../src/process/process-identity.ts";

export const nodeImage = "kindest/node:v1.34.4";
export const toolsImage = "kubefile-tools:dev";

export async function testEngine(): Promise<Engine> {
  return await connectEngine(engineEnvironment(process.env));
}

export function randomRunId(): string {
  return `test${randomBytes(4).toString("hex")}`;
}

export async function temporaryDirectory(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "kubefile-e2e-"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** A process that owns a run and can be killed, as a crashed kubefile would have been. */
export async function ownerProcess(): Promise<{ identity: ProcessIdentity; kill: () => Promise<void> }> {
  const child = spawn("sleep", ["3600"], { stdio: "ignore" });
  await once(child, "spawn");
  const identity = await processIdentity(child.pid ?? 0);
  if (identity === undefined) throw new Error("the owner process did not start");
  return {
    identity,
    async kill() {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Plays the proxy for the canary: answers 404 and remembers what it was asked, if the run's token came along. */
export async function recordingServer(runToken: string): Promise<{
  port: number;
  requests: string[];
  seen: (tag: string, signal: AbortSignal) => Promise<void>;
  close: () => Promise<void>;
}> {
  const requests: string[] = [];
  const waiting = new Set<() => void>();
  const server = createServer((request, response) => {
    if (request.headers["x-kubefile-run"] === runToken) requests.push(`${request.method} ${request.url}`);
    for (const wake of waiting) wake();
    response.writeHead(404).end();
  });
  server.listen(0, "0.0.0.0");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    requests,
    async seen(tag, signal) {
      const arrived = (): boolean => requests.some((request) => request.includes(`/v2/canary/manifests/${tag}?`));
      while (!arrived()) {
        await new Promise<void>((resolve, reject) => {
          waiting.add(resolve);
          signal.addEventListener("abort", () => reject(new Error("gave up waiting")), { once: true });
        });
      }
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
