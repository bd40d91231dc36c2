import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const script = fileURLToPath(new URL("../setup/second-engine", import.meta.url));
const START_TIMEOUT = 120_000;

/** A Docker Engine that only TCP reaches, as docker-in-docker jobs meet theirs: test/setup/second-engine. */
export interface SecondEngine {
  /** What start printed: `DOCKER_HOST=tcp://docker:2376`, … */
  readonly variables: readonly string[];
  /** Of this machine, as the engine's containers reach it. */
  readonly address: string;
  /** Runs a command as a job beside the engine, where `docker` is the engine's name; to be put before it. */
  readonly beside: readonly string[];
  /** The same in the engine's own network, as in one pod with it. */
  readonly inside: readonly string[];
  docker(...args: readonly string[]): Promise<string>;
  stop(): Promise<void>;
}

/** Starts one, with images of the first engine copied into it. */
export async function startSecondEngine(
  options: { readonly images?: readonly string[]; readonly tls?: boolean } = {},
): Promise<SecondEngine> {
  const parent = await mkdtemp(join(tmpdir(), "kubefile-engine-"));
  const directory = join(parent, "engine");
  const run = async (...args: readonly string[]): Promise<string> =>
    (await promisify(execFile)(script, args, { timeout: START_TIMEOUT })).stdout.trim();
  const flags = options.tls === false ? ["--without-tls"] : [];
  try {
    const variables = (await run("start", directory, ...flags, ...(options.images ?? []))).split("\n");
    return {
      variables,
      address: await run("address", directory),
      beside: [script, "exec", directory],
      inside: [script, "inside", directory],
      docker: (...args) => run("exec", directory, "docker", ...args),
      async stop() {
        await run("stop", directory);
        await rm(parent, { recursive: true });
      },
    };
  } catch (error) {
    await rm(parent, { recursive: true, force: true });
    throw error;
  }
}
