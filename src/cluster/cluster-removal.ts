import { setTimeout as sleep } from "node:timers/promises";
import { KubefileError } from "../error.ts";
import type { Engine } from "./engine.ts";
import { thawContainers } from "./frozen-container.ts";
import { kindClusterLabel, runLabel } from "./run-labels.ts";
import { endProcesses } from "./run-processes.ts";
import { type RunNames, runNames } from "./run-state.ts";

export interface ClusterRemovalOptions {
  readonly engine: Engine;
  readonly stateDirectory: string;
  readonly signal?: AbortSignal | undefined;
}

/** Names kind's network for one run, and so also tells which kind process belongs to which run. */
export const kindNetworkVariable = "KIND_EXPERIMENTAL_DOCKER_NETWORK";

/** The engine finishes what an ended client had asked for; twice this long without anything new means it has. */
const SETTLE_MILLISECONDS = 400;
const REMOVAL_TRIES = 10;

/**
 * Removes a run's containers, nodes and network from the engine. Only what carries our label is touched: nodes only
 * when their cluster's name is the run's and our labelled network is theirs. Idempotent. kind itself is not asked: it
 * would do the same, one after the other.
 *
 * @param interrupted when the making of the cluster may still be under way in the engine
 * @throws KubefileError COMMAND_FAILED with the engine's words
 */
export async function removeCluster(runId: string, options: ClusterRemovalOptions, interrupted = false): Promise<void> {
  const names = runNames(options.stateDirectory, runId);
  const ended = await endProcesses([{ name: kindNetworkVariable, value: names.network }]);
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
  const nodes = ["ps", "--all", "--quiet", "--filter", `label=${kindClusterLabel}=${names.cluster}`];
  const list = (...args: readonly string[]): Promise<string[]> => ids(engine, args, signal);
  const [labelled = [], connected = [], unstarted = [], networks = []] = await allEnded([
    list("ps", "--all", "--quiet", ...ours),
    list(...nodes, "--filter", `network=${names.network}`),
    // What an interrupted kind had asked for may come when its network has gone, and then never starts.
    list(...nodes, "--filter", "status=created"),
    list("network", "ls", "--quiet", ...ours),
  ]);
  const onNetwork = networks.length === 0 ? await nodesMadeOn(names.network, await list(...nodes), options) : connected;
  const containers = [...new Set([...labelled, ...unstarted, ...onNetwork])];
  // --volumes: kind keeps a node's /var in an anonymous volume.
  await removeAll(options, ["rm", "--force", "--volumes"], containers, ["ps", "--all", "--quiet"], thawContainers);
  await removeAll(options, ["network", "rm"], networks, ["network", "ls", "--quiet"]);
  return containers.length + networks.length > 0;
}

/** Of these nodes those that were made on a network which somebody has removed since. */
async function nodesMadeOn(
  network: string,
  nodes: readonly string[],
  { engine, signal }: ClusterRemovalOptions,
): Promise<string[]> {
  if (nodes.length === 0) return [];
  const inspect = ["inspect", "--type", "container", "--format", "{{.Id}} {{.HostConfig.NetworkMode}}", ...nodes];
  // Some may have gone in between; the others are told all the same.
  const { stdout } = await engine.docker(inspect, { allowFailure: true, signal });
  return stdout.split("\n").flatMap((line) => (line.endsWith(` ${network}`) ? [line.split(" ")[0] ?? ""] : []));
}

/** As Promise.all, but nothing is still going on when it fails: this process may end then, and what it has started not. */
async function allEnded<T>(work: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(work);
  return await Promise.all(work);
}

/** Another start may be at the same: what it has removed in between is as good as removed by us. */
async function removeAll(
  { engine, signal }: ClusterRemovalOptions,
  remove: readonly string[],
  found: readonly string[],
  list: readonly string[],
  release?: (engine: Engine, left: readonly string[], signal?: AbortSignal) => Promise<void>,
): Promise<void> {
  let left = found;
  for (let tries = 1; left.length > 0; tries += 1) {
    const removed = await engine.docker([...remove, ...left], { signal, timeout: 120_000, allowFailure: true });
    if (removed.exitCode === 0) return;
    const existing = await ids(engine, list, signal);
    left = left.filter((id) => existing.includes(id));
    if (left.length > 0 && tries === REMOVAL_TRIES) {
      throw new KubefileError("COMMAND_FAILED", `docker ${remove.join(" ")}: ${removed.stderr.trim()}`);
    }
    if (left.length > 0) await release?.(engine, left, signal);
    if (left.length > 0) await sleep(SETTLE_MILLISECONDS, undefined, { signal });
  }
}

async function ids(engine: Engine, args: readonly string[], signal?: AbortSignal): Promise<string[]> {
  return (await engine.docker(args, { signal })).stdout.split("\n").filter((line) => line !== "");
}
