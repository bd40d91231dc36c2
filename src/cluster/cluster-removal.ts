import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { KubefileError } from "../error.ts";
import { run } from "../process/run.ts";
import type { Engine } from "./engine.ts";
import { kindClusterLabel, runLabel } from "./run-labels.ts";
import { type RunNames, runNames } from "./run-state.ts";

export interface ClusterRemovalOptions {
  readonly engine: Engine;
  readonly stateDirectory: string;
  /** kind's path; without it, nodes are removed by their label alone. */
  readonly kind?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Names kind's network for one run, and so also tells which kind process belongs to which run. */
export const kindNetworkVariable = "KIND_EXPERIMENTAL_DOCKER_NETWORK";

/** The engine finishes what an ended client had asked for; twice this long without anything new means it has. */
const SETTLE_MILLISECONDS = 400;

/**
 * Removes a run's containers, nodes and network from the engine. Only what carries our label is touched: nodes only
 * when their cluster's name is the run's and our labelled network is theirs. Idempotent.
 *
 * @param interrupted when the making of the cluster may still be under way in the engine
 * @throws KubefileError COMMAND_FAILED with the engine's words
 */
export async function removeCluster(runId: string, options: ClusterRemovalOptions, interrupted = false): Promise<void> {
  const names = runNames(options.stateDirectory, runId);
  const ended = await endKind(names);
  await removeOnce(runId, names, options);
  if (!interrupted && !ended) return;
  for (let quiet = 0; quiet < 2; ) {
    await sleep(SETTLE_MILLISECONDS);
    quiet = (await removeOnce(runId, names, options)) ? 0 : quiet + 1;
  }
}

/** @returns whether there was anything */
async function removeOnce(runId: string, names: RunNames, options: ClusterRemovalOptions): Promise<boolean> {
  const { engine, signal } = options;
  const ours = ["--filter", `label=${runLabel}=${runId}`];
  const nodesOf = ["--filter", `label=${kindClusterLabel}=${names.cluster}`];
  const list = (...args: readonly string[]): Promise<string[]> => ids(engine, args, signal);
  const listNodes = (): Promise<string[]> =>
    list("ps", "--all", "--quiet", ...nodesOf, "--filter", `network=${names.network}`);
  const [containers, networks, unstarted] = await Promise.all([
    list("ps", "--all", "--quiet", ...ours),
    list("network", "ls", "--quiet", ...ours),
    // What an interrupted kind had asked for may come when its network has gone, and then never starts.
    list("ps", "--all", "--quiet", ...nodesOf, "--filter", "status=created"),
  ]);
  await removeContainers(engine, [...new Set([...containers, ...unstarted])], signal);
  if (networks.length === 0) return containers.length + unstarted.length > 0;
  if (options.kind !== undefined && (await listNodes()).length > 0) await deleteByKind(options.kind, names, options);
  await removeContainers(engine, await listNodes(), signal);
  await engine.docker(["network", "rm", ...networks], { signal }).catch(async (error: unknown) => {
    if ((await list("network", "ls", "--quiet", ...ours)).length > 0) throw error;
  });
  return true;
}

async function deleteByKind(kind: string, names: RunNames, { engine, signal }: ClusterRemovalOptions): Promise<void> {
  const args = ["delete", "cluster", "--name", names.cluster, "--kubeconfig", names.kubeconfig];
  try {
    await run(kind, args, { env: engine.environment, timeout: 60_000, allowFailure: true, signal });
  } catch (error) {
    if (!(error instanceof KubefileError) || error.code !== "TOOL_MISSING") throw error;
  }
}

async function removeContainers(engine: Engine, containers: readonly string[], signal?: AbortSignal): Promise<void> {
  if (containers.length === 0) return;
  // --volumes: kind keeps a node's /var in an anonymous volume.
  await engine.docker(["rm", "--force", "--volumes", ...containers], { signal, timeout: 120_000 });
}

/**
 * Ends a kind process that goes on after its owner was killed: it would make again what is being removed. Its
 * environment tells whose it is, as no other process has this run's random name there.
 *
 * @returns whether there was one
 */
async function endKind(names: RunNames): Promise<boolean> {
  const marker = `${kindNetworkVariable}=${names.network}`;
  // Without /proc there is nothing to search.
  const processes = (await readdir("/proc").catch(() => [])).filter((name) => /^[1-9]\d*$/.test(name));
  const found = await Promise.all(
    processes.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
      return environment.split("\0").includes(marker) && Number(pid) !== process.pid ? [Number(pid)] : [];
    }),
  );
  for (const pid of found.flat()) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended in between.
    }
  }
  return found.flat().length > 0;
}

async function ids(engine: Engine, args: readonly string[], signal?: AbortSignal): Promise<string[]> {
  return (await engine.docker(args, { signal })).stdout.split("\n").filter((line) => line !== "");
}
