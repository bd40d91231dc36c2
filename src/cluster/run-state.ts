import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { KubefileError } from "../error.ts";
import type { ProcessIdentity } from "./process-identity.ts";

/** What a run has made or is about to make, written before it is made, so that any later start can remove it. */
export interface RunState {
  readonly version: 1;
  readonly runId: string;
  readonly owner: ProcessIdentity;
  /** True for a cluster that is meant to outlive its command: only `clean --all` removes it. */
  readonly keep: boolean;
  readonly createdAt: string;
  /** Temporary directories, absolute. */
  readonly directories: readonly string[];
  /** A process left behind on purpose: the image server of a kept cluster. */
  readonly server?: ProcessIdentity;
}

/** An open run: everything it makes on the machine or in the engine is recorded here first. */
export interface Run {
  readonly state: RunState;
  /** Names everything made from the run id. */
  readonly names: RunNames;
  /** Records a directory that the run is about to make. */
  addDirectory(path: string): Promise<void>;
  setServer(server: ProcessIdentity): Promise<void>;
}

export interface RunNames {
  /** kind cluster, and its docker network. */
  readonly cluster: string;
  readonly network: string;
  /** Files of this run alone, kubeconfig and kind config, in the state directory. */
  readonly directory: string;
  readonly kubeconfig: string;
}

export interface OpenRunOptions {
  readonly stateDirectory: string;
  /** Random hex. */
  readonly runId: string;
  readonly owner: ProcessIdentity;
  readonly keep?: boolean;
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
  };
}

/** Opens a run, or the same run again: the state file is on disk when this resolves. */
export async function openRun(options: OpenRunOptions): Promise<Run> {
  const { stateDirectory, runId } = options;
  const names = runNames(stateDirectory, runId);
  await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
  let state = await readRun(stateDirectory, runId);
  // Two updates at once must not lose one another's entry.
  let last: Promise<void> = Promise.resolve();
  const save = (change: (state: RunState) => RunState): Promise<void> => {
    last = last.then(async () => {
      const next = change((await readRun(stateDirectory, runId)) ?? current());
      await writeState(stateDirectory, next);
      state = next;
    });
    return last;
  };
  const fresh: RunState = {
    version: 1,
    runId,
    owner: options.owner,
    keep: options.keep ?? false,
    createdAt: (options.now?.() ?? new Date()).toISOString(),
    directories: [],
  };
  const current = (): RunState => state ?? fresh;
  if (state === undefined) await save(() => fresh);
  await mkdir(names.directory, { recursive: true, mode: 0o700 });
  return {
    get state() {
      return current();
    },
    names,
    addDirectory: (path) => save((before) => ({ ...before, directories: [...new Set([...before.directories, path])] })),
    setServer: (server) => save((before) => ({ ...before, server })),
  };
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
  await rm(runNames(stateDirectory, runId).directory, { recursive: true, force: true });
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
    typeof state.keep === "boolean" &&
    isIdentity(state.owner) &&
    Array.isArray(state.directories) &&
    state.directories.every((path) => typeof path === "string" && path.startsWith("/")) &&
    (state.server === undefined || isIdentity(state.server))
  );
}

function isIdentity(value: unknown): value is ProcessIdentity {
  if (typeof value !== "object" || value === null) return false;
  const identity: Partial<Record<keyof ProcessIdentity, unknown>> = value;
  const texts = [identity.host, identity.bootId, identity.namespace, identity.started];
  return texts.every((text) => typeof text === "string") && Number.isInteger(identity.pid);
}
