import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { KubefileError } from "../error.ts";
import { aboutFile } from "../process/disk-full.ts";
import { type ProcessIdentity, sameProcess } from "../process/process-identity.ts";
import { removeTree } from "../rootfs/remove-tree.ts";

/** What a run has made or is about to make, written before it is made, so that any later start can remove it. */
export interface RunState {
  readonly version: 1;
  readonly runId: string;
  readonly owner: ProcessIdentity;
  readonly keep: Keep;
  /** False for a run that makes nothing in an engine: it can be removed where there is none. */
  readonly usesEngine: boolean;
  readonly createdAt: string;
  /** Temporary directories, absolute. */
  readonly directories: readonly string[];
  /** Absent unless it stays for a time. */
  readonly lasting?: LastingRun;
  /** A process left behind on purpose: the image server of a kept cluster. */
  readonly server?: ProcessIdentity;
}

/** A cluster that stays until its time has come, and is then anybody's to remove. */
export interface LastingRun {
  /** Of the preview: `pr-12`. */
  readonly name: string;
  /** RFC 3339, in UTC. */
  readonly expires: string;
}

/**
 * Whether the cluster outlives its command, so that only `clean --run` and `clean --all` remove it. "on success" becomes
 * "always" when the command has succeeded; until then the run is one like any other.
 */
export type Keep = "never" | "on success" | "always";

/** An open run: everything it makes on the machine or in the engine is recorded here first. */
export interface Run {
  readonly state: RunState;
  /** Names everything made from the run id. */
  readonly names: RunNames;
  /** Records a directory that the run is about to make. */
  addDirectory(path: string): Promise<void>;
  setServer(server: ProcessIdentity): Promise<void>;
  /** The command has done what it should: a run that is kept on success is kept from now on. */
  succeed(): Promise<void>;
}

export interface RunNames {
  /** kind cluster, and its docker network. */
  readonly cluster: string;
  readonly network: string;
  /** Files of this run alone, kubeconfig and kind config, in the state directory. */
  readonly directory: string;
  readonly kubeconfig: string;
  /** What nobody needs once the work is done. */
  readonly work: string;
  /** HOME of programs that a run starts on this machine itself; it tells whose they are, too. */
  readonly hostHome: string;
}

export interface OpenRunOptions {
  readonly stateDirectory: string;
  /** Random hex. */
  readonly runId: string;
  readonly owner: ProcessIdentity;
  /** "never" when absent. */
  readonly keep?: Keep;
  readonly lasting?: LastingRun | undefined;
  /** True when absent. */
  readonly usesEngine?: boolean;
  readonly now?: () => Date;
}

const runIdPattern = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/;

export function isRunId(text: string): boolean {
  return runIdPattern.test(text);
}

export function runNames(stateDirectory: string, runId: string): RunNames {
  if (!isRunId(runId)) {
    throw new KubefileError("INTERNAL", `run id ${JSON.stringify(runId)} is not lower-case letters, digits and dashes`);
  }
  const directory = join(stateDirectory, runId);
  return {
    cluster: `kubefile-${runId}`,
    network: `kubefile-${runId}`,
    directory,
    kubeconfig: join(directory, "kubeconfig"),
    work: join(directory, "work"),
    hostHome: join(directory, "work", "home"),
  };
}

/**
 * Opens a run, or the same run again: the state file is on disk when this resolves.
 *
 * @throws KubefileError USAGE when another process has a run of this name here
 */
export async function openRun(options: OpenRunOptions): Promise<Run> {
  const { stateDirectory, runId } = options;
  const names = runNames(stateDirectory, runId);
  let state: RunState = {
    version: 1,
    runId,
    owner: options.owner,
    keep: options.keep ?? "never",
    usesEngine: options.usesEngine ?? true,
    createdAt: (options.now?.() ?? new Date()).toISOString(),
    directories: [],
    ...(options.lasting === undefined ? {} : { lasting: options.lasting }),
  };
  if (await makeRunDirectory(stateDirectory, names)) {
    await writeState(stateDirectory, state).catch(async (error: unknown) => {
      await forgetRun(stateDirectory, runId).catch(() => undefined);
      throw error;
    });
  } else {
    const found = await readRun(stateDirectory, runId);
    if (found === undefined || !sameProcess(found.owner, options.owner)) throw nameTaken(runId);
    state = found;
  }
  // Two updates at once must not lose one another's entry.
  let last: Promise<void> = Promise.resolve();
  const save = (change: (state: RunState) => RunState): Promise<void> => {
    last = last.then(async () => {
      const next = change((await readRun(stateDirectory, runId)) ?? state);
      await writeState(stateDirectory, next);
      state = next;
    });
    return last;
  };
  return {
    get state() {
      return state;
    },
    names,
    addDirectory: (path) => save((before) => ({ ...before, directories: [...new Set([...before.directories, path])] })),
    setServer: (server) => save((before) => ({ ...before, server })),
    succeed: () => save((before) => ({ ...before, keep: before.keep === "never" ? "never" : "always" })),
  };
}

/** Says that a name that a user chose is in use. */
export function nameTaken(runId: string): KubefileError {
  return new KubefileError("USAGE", `there is a run named ${runId} already`, {
    hint: "choose another --name; `kubefile clean --run NAME` removes one that was kept",
  });
}

/** @returns false when it is there already: making a directory is what only one of several processes can do */
async function makeRunDirectory(stateDirectory: string, names: RunNames): Promise<boolean> {
  await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
  try {
    await mkdir(names.directory, { mode: 0o700 });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** The state of one run; undefined when there is no readable one. */
export async function readRun(stateDirectory: string, runId: string): Promise<RunState | undefined> {
  try {
    const state: unknown = JSON.parse(await readFile(stateFile(stateDirectory, runId), "utf8"));
    return isRunState(state) && state.runId === runId ? state : undefined;
  } catch {
    return undefined;
  }
}

export async function readRuns(stateDirectory: string): Promise<RunState[]> {
  const entries = await readdir(stateDirectory).catch(() => []);
  const states: RunState[] = [];
  for (const entry of entries.sort()) {
    if (!entry.endsWith(".json")) continue;
    const state = await readRun(stateDirectory, entry.slice(0, -".json".length));
    if (state !== undefined) states.push(state);
  }
  return states;
}

/** Removes a run's files in the state directory, the state file last. */
export async function forgetRun(stateDirectory: string, runId: string): Promise<void> {
  await removeTree(runNames(stateDirectory, runId).directory);
  await rm(`${stateFile(stateDirectory, runId)}.new`, { force: true });
  await rm(stateFile(stateDirectory, runId), { force: true });
}

function stateFile(stateDirectory: string, runId: string): string {
  return join(stateDirectory, `${runId}.json`);
}

async function writeState(stateDirectory: string, state: RunState): Promise<void> {
  const path = stateFile(stateDirectory, state.runId);
  const file = await open(`${path}.new`, "w", 0o600);
  try {
    await file.writeFile(`${JSON.stringify(state, undefined, 2)}\n`);
    await file.sync();
  } catch (error) {
    throw aboutFile(path, error);
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}

function isRunState(value: unknown): value is RunState {
  if (typeof value !== "object" || value === null) return false;
  const state: Partial<Record<keyof RunState, unknown>> = value;
  return (
    state.version === 1 &&
    typeof state.runId === "string" &&
    (state.keep === "never" || state.keep === "on success" || state.keep === "always") &&
    typeof state.usesEngine === "boolean" &&
    isIdentity(state.owner) &&
    Array.isArray(state.directories) &&
    state.directories.every((path) => typeof path === "string" && path.startsWith("/")) &&
    (state.lasting === undefined || isLastingRun(state.lasting)) &&
    (state.server === undefined || isIdentity(state.server))
  );
}

function isLastingRun(value: unknown): value is LastingRun {
  if (typeof value !== "object" || value === null) return false;
  const { name, expires }: Partial<Record<keyof LastingRun, unknown>> = value;
  return typeof name === "string" && typeof expires === "string" && isTime(expires);
}

/** Read from labels, too, which anybody may have written. */
export function isTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text) && Number.isFinite(Date.parse(text));
}

function isIdentity(value: unknown): value is ProcessIdentity {
  if (typeof value !== "object" || value === null) return false;
  const identity: Partial<Record<keyof ProcessIdentity, unknown>> = value;
  const texts = [identity.host, identity.bootId, identity.namespace, identity.started];
  return texts.every((text) => typeof text === "string") && Number.isInteger(identity.pid);
}
