import { rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { errorMessage, KubefileError } from "../error.ts";
import { run } from "../process/run.ts";
import type { Engine } from "./engine.ts";
import { formatIdentity, type Liveness, liveness, type ProcessIdentity, parseIdentity } from "./process-identity.ts";
import { forgetRun, type Run, readRun, readRuns, runNames } from "./run-state.ts";

/** On every network and container of ours. */
export const runLabel = "kubefile.run";
/** Who made it, so that a start that does not know the state file can still tell whether the owner lives. */
const ownerLabel = "kubefile.owner";
const keepLabel = "kubefile.keep";
const kindClusterLabel = "io.x-k8s.kind.cluster";

export interface RunRemovalOptions {
  readonly engine: Engine;
  readonly stateDirectory: string;
  /** kind's path; without it, nodes are removed by their label alone. */
  readonly kind?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface FoundRun {
  readonly runId: string;
  readonly owner: Liveness;
  readonly keep: boolean;
}

/** The arguments that label what `docker create` or `docker network create` makes. */
export function labelArguments(run: Run): string[] {
  const { runId, owner, keep } = run.state;
  const labels = [`${runLabel}=${runId}`, `${ownerLabel}=${formatIdentity(owner)}`];
  if (keep) labels.push(`${keepLabel}=true`);
  return labels.flatMap((label) => ["--label", label]);
}

/**
 * Every run that left a state file here or something labelled in the engine, with what is known of its owner.
 * Engines are shared: a run of another machine or container shows as "unknown" and is nobody's to remove unasked.
 */
export async function findRuns(options: RunRemovalOptions): Promise<FoundRun[]> {
  const found = new Map<string, FoundRun>();
  for (const { runId, owner, keep } of await readRuns(options.stateDirectory)) {
    found.set(runId, { runId, owner: await liveness(owner), keep });
  }
  const format = `{{.Label "${runLabel}"}}\t{{.Label "${ownerLabel}"}}\t{{.Label "${keepLabel}"}}`;
  const lists = [
    ["ps", "--all", "--filter", `label=${runLabel}`, "--format", format],
    ["network", "ls", "--filter", `label=${runLabel}`, "--format", format],
  ];
  for (const list of lists) {
    const { stdout } = await options.engine.docker(list, { signal: options.signal });
    for (const line of lines(stdout)) {
      const [runId = "", owner = "", keep = ""] = line.split("\t");
      if (runId === "" || found.has(runId)) continue;
      found.set(runId, { runId, owner: await labelledLiveness(parseIdentity(owner)), keep: keep === "true" });
    }
  }
  return [...found.values()].sort((a, b) => (a.runId < b.runId ? -1 : 1));
}

/** Runs whose owner is known to be dead and which are not meant to stay. */
export async function findAbandonedRuns(options: RunRemovalOptions): Promise<FoundRun[]> {
  return (await findRuns(options)).filter((run) => run.owner === "dead" && !run.keep);
}

/**
 * Removes everything a run made: cluster, containers, network, server process, temporary directories, state file.
 * Idempotent; goes on past a failure and reports all of them at the end, keeping the state file for the next try.
 *
 * @throws KubefileError CLUSTER_FAILED naming what could not be removed
 */
export async function removeRun(runId: string, options: RunRemovalOptions): Promise<void> {
  const state = await readRun(options.stateDirectory, runId);
  const problems: string[] = [];
  await removeCluster(runId, options).catch((error: unknown) => problems.push(errorMessage(error)));
  if (state?.server !== undefined) await stopProcess(state.server);
  for (const directory of state?.directories ?? []) {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 }).catch((error: unknown) =>
      problems.push(errorMessage(error)),
    );
  }
  if (problems.length > 0) {
    throw new KubefileError("CLUSTER_FAILED", `run ${runId} could not be removed wholly: ${problems.join("; ")}`, {
      hint: "`kubefile clean` tries again",
    });
  }
  await forgetRun(options.stateDirectory, runId);
}

/**
 * Removes a run's containers, nodes and network from the engine. Only what carries our label is touched: nodes only
 * when their cluster's name is the run's and our labelled network is theirs.
 */
export async function removeCluster(runId: string, options: RunRemovalOptions): Promise<void> {
  const { engine, signal } = options;
  const names = runNames(options.stateDirectory, runId);
  const network = await ids(engine, ["network", "ls", "--quiet", "--filter", `label=${runLabel}=${runId}`], signal);
  const ours = await ids(engine, ["ps", "--all", "--quiet", "--filter", `label=${runLabel}=${runId}`], signal);
  await removeContainers(engine, ours, signal);
  if (network.length === 0) return;
  const nodesFilter = [
    "--filter",
    `label=${kindClusterLabel}=${names.cluster}`,
    "--filter",
    `network=${names.network}`,
  ];
  const listNodes = ["ps", "--all", "--quiet", ...nodesFilter];
  let nodes = await ids(engine, listNodes, signal);
  if (nodes.length > 0 && options.kind !== undefined) {
    await run(options.kind, ["delete", "cluster", "--name", names.cluster, "--kubeconfig", names.kubeconfig], {
      env: engine.environment,
      timeout: 60_000,
      allowFailure: true,
      signal,
    }).catch(ignoreMissingTool);
    nodes = await ids(engine, listNodes, signal);
  }
  await removeContainers(engine, nodes, signal);
  await engine.docker(["network", "rm", ...network], { signal }).catch(async (error: unknown) => {
    const left = await ids(engine, ["network", "ls", "--quiet", "--filter", `label=${runLabel}=${runId}`], signal);
    if (left.length > 0) throw error;
  });
}

async function removeContainers(engine: Engine, containers: readonly string[], signal?: AbortSignal): Promise<void> {
  if (containers.length === 0) return;
  // --volumes: kind keeps a node's /var in an anonymous volume.
  await engine.docker(["rm", "--force", "--volumes", ...containers], { signal, timeout: 120_000 });
}

async function ids(engine: Engine, args: readonly string[], signal?: AbortSignal): Promise<string[]> {
  return lines((await engine.docker(args, { signal })).stdout);
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

/** Labels are read from an engine that other machines may share. */
async function labelledLiveness(owner: ProcessIdentity | undefined): Promise<Liveness> {
  return owner === undefined ? "unknown" : await liveness(owner, "unknown");
}

async function stopProcess(identity: ProcessIdentity): Promise<void> {
  if (identity.pid === process.pid) return;
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    for (let waited = 0; waited < 5_000; waited += 100) {
      if ((await liveness(identity)) !== "alive") return;
      if (waited === 0) signalProcess(identity.pid, signal);
      await sleep(100);
    }
  }
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended in between.
  }
}

function ignoreMissingTool(error: unknown): void {
  if (!(error instanceof KubefileError) || error.code !== "TOOL_MISSING") throw error;
}
