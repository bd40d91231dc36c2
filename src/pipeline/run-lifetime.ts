import { mkdir } from "node:fs/promises";
import { removeCluster } from "../cluster/cluster-removal.ts";
import type { Engine } from "../cluster/engine.ts";
import { findAbandonedLocalRuns, findAbandonedRuns, removeAbandonedRun, removeRun } from "../cluster/run-removal.ts";
import { type Keep, type LastingRun, openRun, type Run } from "../cluster/run-state.ts";
import { sweepStateDirectory } from "../cluster/state-sweep.ts";
import { errorMessage } from "../error.ts";
import { removeTree } from "../rootfs/remove-tree.ts";
import type { Host } from "./host.ts";

/** Milliseconds for an engine that is being started again; a runner gives no more to a job that it cancels. */
const PATIENCE = 7_000;

/** The files of a run that only it needs: the rootfs it builds, a copy it unpacks. */
export function workDirectory(run: Run): string {
  return run.names.work;
}

/**
 * Opens this process's run, does the work, and removes everything the run made, however the work ended. What earlier
 * runs left behind is removed first. Work that no longer needs its cluster may release it: then it is being removed
 * beside the rest of the work.
 *
 * @param engine absent when the work needs none; then only files are looked after
 * @param keep when the cluster stays in place
 * @param lasting until when it stays, when it does not for good
 */
export async function withRun<T>(
  host: Host,
  engine: Engine | undefined,
  keep: Keep,
  work: (run: Run, releaseCluster: () => void) => Promise<T>,
  lasting?: LastingRun,
): Promise<T> {
  await removeAbandoned(host, engine);
  const run = await openRun({
    stateDirectory: host.directories.state,
    runId: host.runId,
    owner: host.owner,
    keep,
    usesEngine: engine !== undefined,
    lasting,
  });
  let removal = Promise.resolve();
  const releaseCluster = (): void => {
    if (engine === undefined || keep !== "never") return;
    // No failure yet: the removal at the end tries again, and tells.
    removal = removeCluster(host.runId, { engine, stateDirectory: host.directories.state }).catch(() => undefined);
  };
  try {
    await mkdir(workDirectory(run), { recursive: true });
    const result = await work(run, releaseCluster);
    // An abort that came when nothing was listening any more still is one.
    host.signal.throwIfAborted();
    await run.succeed();
    return result;
  } finally {
    await removal;
    if (run.state.keep === "always") await removeTree(workDirectory(run));
    else await remove(host, engine);
  }
}

async function remove(host: Host, engine: Engine | undefined): Promise<void> {
  // Not the run's signal: it may be the reason why we are cleaning up.
  const removal = (): Promise<void> =>
    removeRun(host.runId, {
      ...(engine === undefined ? {} : { engine, patience: PATIENCE }),
      stateDirectory: host.directories.state,
    });
  try {
    // Who waits for the end wants to see what it takes.
    await (host.signal.aborted ? host.progress.phase("removal", removal) : removal());
  } catch (error) {
    // The work's own result or error is worth more; the state file stays.
    host.progress.note("warning", `${errorMessage(error)}; the next start, or \`kubefile clean\`, tries again`);
  }
}

async function removeAbandoned(host: Host, engine: Engine | undefined): Promise<void> {
  const stateDirectory = host.directories.state;
  await sweepStateDirectory(stateDirectory, Date.now());
  const options = engine === undefined ? { stateDirectory } : { engine, stateDirectory, signal: host.signal };
  const abandoned =
    options.engine === undefined ? await findAbandonedLocalRuns(stateDirectory) : await findAbandonedRuns(options);
  for (const found of abandoned) {
    host.progress.note("info", `removing what run ${found.runId} left behind`);
    try {
      await removeAbandonedRun(found, options);
    } catch (error) {
      host.progress.note("warning", errorMessage(error));
    }
  }
}
