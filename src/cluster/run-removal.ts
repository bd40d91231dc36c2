import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { errorMessage, KubefileError } from "../error.ts";
import { isDiskFull } from "../process/disk-full.ts";
import { type Liveness, liveness, type ProcessIdentity, parseIdentity } from "../process/process-identity.ts";
import { withFileLock } from "../store/file-lock.ts";
import { type ClusterRemovalOptions, removeCluster } from "./cluster-removal.ts";
import { expiresLabel, keepLabel, ownerLabel, previewLabel, runLabel, runVariable } from "./run-labels.ts";
import { endProcesses } from "./run-processes.ts";
import { forgetRun, isRunId, isTime, type LastingRun, readRun, readRuns, runNames } from "./run-state.ts";

export interface RunRemovalOptions extends ClusterRemovalOptions {
  /** Milliseconds in which an engine that does not do as asked is asked again; none when absent. */
  readonly patience?: number;
}

const LOOK_AGAIN_MILLISECONDS = 1_000;

/** For runs that made nothing in an engine. */
export interface LocalRemovalOptions {
  readonly stateDirectory: string;
  readonly engine?: undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface FoundRun {
  readonly runId: string;
  readonly owner: Liveness;
  readonly keep: boolean;
  /** False for one that is only labelled in the engine: another user's, or one whose state file is lost. */
  readonly recorded: boolean;
  /** Of a cluster that stays for a time. */
  readonly lasting?: LastingRun;
}

export type AbandonedRun = Pick<FoundRun, "runId" | "recorded">;

/**
 * Every run that left a state file here or something labelled in the engine, with what is known of its owner.
 * Engines are shared: a run of another machine or container shows as "unknown" and is nobody's to remove unasked.
 */
export async function findRuns(options: RunRemovalOptions): Promise<FoundRun[]> {
  const found = new Map<string, FoundRun>();
  for (const { runId, owner, keep, lasting } of await readRuns(options.stateDirectory)) {
    const kept = { keep: keep === "always", ...(lasting === undefined ? {} : { lasting }) };
    found.set(runId, { runId, owner: await liveness(owner), recorded: true, ...kept });
  }
  const labels = [runLabel, ownerLabel, keepLabel, previewLabel, expiresLabel];
  const format = labels.map((label) => `{{.Label "${label}"}}`).join("\t");
  const lists = [
    ["ps", "--all", "--filter", `label=${runLabel}`, "--format", format],
    ["network", "ls", "--filter", `label=${runLabel}`, "--format", format],
  ];
  for (const list of lists) {
    const { stdout } = await options.engine.docker(list, { signal: options.signal });
    for (const line of stdout.split("\n")) {
      const [runId = "", owner = "", keep = "", name = "", expires = ""] = line.split("\t");
      if (!isRunId(runId) || found.has(runId)) continue;
      const liveness = await labelledLiveness(parseIdentity(owner));
      const lasting = isTime(expires) ? { lasting: { name, expires } } : {};
      found.set(runId, { runId, owner: liveness, keep: keep === "true", recorded: false, ...lasting });
    }
  }
  return [...found.values()].sort((a, b) => (a.runId < b.runId ? -1 : 1));
}

/**
 * Whether a name is in use, here or by anybody else in the engine: what a run makes is found by its name, so that two
 * of one name would remove each other's. That of an abandoned run is free: each start removes such.
 */
export async function isRunNameTaken(runId: string, options: RunRemovalOptions, now = new Date()): Promise<boolean> {
  return (await findRuns(options)).some((run) => run.runId === runId && !isAbandoned(run, now));
}

/** Runs whose owner is known to be dead and which are not meant to stay, and those whose time has come. */
export async function findAbandonedRuns(options: RunRemovalOptions, now = new Date()): Promise<FoundRun[]> {
  return (await findRuns(options)).filter((run) => isAbandoned(run, now));
}

function isAbandoned(run: FoundRun, now: Date): boolean {
  return (run.owner === "dead" && !run.keep) || isExpired(run, now);
}

/** Its maker has said until when it is needed: whoever that was, and whoever looks. While it is being made it is not. */
export function isExpired({ lasting, owner }: FoundRun, now: Date): boolean {
  return lasting !== undefined && owner !== "alive" && Date.parse(lasting.expires) <= now.getTime();
}

/** Those of them that left nothing in an engine. */
export async function findAbandonedLocalRuns(stateDirectory: string): Promise<readonly AbandonedRun[]> {
  const local = (await readRuns(stateDirectory)).filter(({ usesEngine }) => !usesEngine);
  const owners = await Promise.all(local.map(({ owner }) => liveness(owner)));
  const abandoned = local.filter((_run, position) => owners[position] === "dead");
  return abandoned.map(({ runId }) => ({ runId, recorded: true }));
}

/**
 * Removes a run that was found to be abandoned, unless somebody else has done so meanwhile: by then its name may be that
 * of a new run, whose things have the same names.
 *
 * @returns whether it was there to be removed
 * @throws KubefileError as removeRun does; STORE_UNUSABLE when somebody is still at it after a minute and a half
 */
export async function removeAbandonedRun(
  { runId, recorded }: AbandonedRun,
  options: RunRemovalOptions | LocalRemovalOptions,
): Promise<boolean> {
  const { stateDirectory } = options;
  const remove = async (): Promise<boolean> => {
    const state = await readRun(stateDirectory, runId);
    if (recorded && (state === undefined || (await liveness(state.owner)) === "alive")) return false;
    await removeRun(runId, options);
    return true;
  };
  if (!recorded) return remove();
  let isLocked = false;
  try {
    return await withFileLock(join(stateDirectory, `${runId}.lock`), options.signal, () => {
      isLocked = true;
      return remove();
    });
  } catch (error) {
    // A full disk has no room for a lock, and gets some by the removal.
    if (isLocked || !(error instanceof KubefileError) || !isDiskFull(error.cause)) throw error;
    return remove();
  }
}

/**
 * Removes everything a run made: cluster, containers, network, server process, temporary directories, state file.
 * Idempotent; goes on past a failure and reports all of them at the end, keeping the state file for the next try.
 *
 * @throws KubefileError CLUSTER_FAILED naming what could not be removed
 */
export async function removeRun(runId: string, options: RunRemovalOptions | LocalRemovalOptions): Promise<void> {
  const state = await readRun(options.stateDirectory, runId);
  const problems: string[] = [];
  if (state?.server !== undefined) await stopProcess(state.server);
  const orphaned = state === undefined || (await liveness(state.owner)) === "dead";
  const ended = orphaned && (await endOrphans(runId, options.stateDirectory));
  const note = (error: unknown): number => problems.push(errorMessage(error));
  if (options.engine !== undefined) await removeFromEngine(runId, options, ended).catch(note);
  for (const directory of state?.directories ?? []) {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 }).catch(note);
  }
  if (problems.length === 0) await forgetRun(options.stateDirectory, runId).catch(note);
  if (problems.length > 0) {
    throw new KubefileError("CLUSTER_FAILED", `run ${runId} could not be removed wholly: ${problems.join("; ")}`, {
      hint: "`kubefile clean` tries again",
    });
  }
}

/** An engine that is being started again is back in a few seconds. */
async function removeFromEngine(runId: string, options: RunRemovalOptions, interrupted: boolean): Promise<void> {
  const end = performance.now() + (options.patience ?? 0);
  for (;;) {
    try {
      return await removeCluster(runId, options, interrupted);
    } catch (error) {
      if (performance.now() + LOOK_AGAIN_MILLISECONDS > end) throw error;
    }
    await sleep(LOOK_AGAIN_MILLISECONDS, undefined, { signal: options.signal });
  }
}

/** Programs of a killed process: docker's and kind's, and on the machine itself those of `--run=host`. */
async function endOrphans(runId: string, stateDirectory: string): Promise<boolean> {
  const { hostHome } = runNames(stateDirectory, runId);
  return await endProcesses([
    { name: runVariable, value: (mark) => isOrphansMark(mark, runId) },
    { name: "HOME", value: hostHome },
  ]);
}

/** A process that is about to open a run of the same name has programs at work, too. */
async function isOrphansMark(mark: string, runId: string): Promise<boolean> {
  const [name, owner = ""] = mark.split(" ");
  const identity = parseIdentity(owner);
  return name === runId && identity !== undefined && (await liveness(identity)) === "dead";
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
