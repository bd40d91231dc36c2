import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { EngineEnvironment } from "../cluster/engine.ts";
import type { Run } from "../cluster/run-state.ts";
import { KubefileError } from "../error.ts";
import { processIdentity } from "../process/process-identity.ts";
import type { ServeSettings } from "./serve.ts";

export interface ArtifactServerOptions {
  readonly run: Run;
  readonly settings: ServeSettings;
  /** Starts `kubefile serve` for a run's directory. */
  readonly command: (runDirectory: string) => readonly [string, ...string[]];
  readonly environment: EngineEnvironment;
}

const START_TIMEOUT = 30_000;

/**
 * Starts the registry of a kept cluster as a process of its own, which outlives this one and its terminal: a session of
 * its own, no directory that it holds on to, and of this environment only what leads to the engine.
 *
 * @returns the ports of its forwards
 * @throws KubefileError INTERNAL when it does not come to listen
 */
export async function startArtifactServer({
  run,
  settings,
  command,
  environment,
}: ArtifactServerOptions): Promise<readonly number[]> {
  const { directory } = run.names;
  await writeFile(join(directory, "serve.json"), JSON.stringify(settings), { mode: 0o600 });
  const [program, ...args] = command(directory);
  const child = spawn(program, args, {
    detached: true,
    cwd: "/",
    env: { ...environment },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const { pid, stdout } = child;
  try {
    const server = pid === undefined ? undefined : await processIdentity(pid);
    if (server !== undefined) await run.setServer(server);
    const ended = once(child, "exit").then(([code]) => `it ended with exit code ${code}`);
    const silent = new Promise<string>((resolve) => {
      setTimeout(resolve, START_TIMEOUT, `it was silent for ${START_TIMEOUT / 1_000} s`).unref();
    });
    const listening = once(stdout, "data").then(([words]) => [...String(words).matchAll(/\d+/g)].map(Number));
    const answer = await Promise.race([listening, ended, silent]);
    if (typeof answer === "string") {
      throw new KubefileError("INTERNAL", `the cluster's image server could not start: ${answer}`, {
        hint: `kubefile serve ${directory} shows why, while the cluster is there`,
      });
    }
    return answer;
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  } finally {
    stdout.destroy();
    child.unref();
  }
}
