import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { removeTree } from "../rootfs/remove-tree.ts";
import { forgetRun, isRunId } from "./run-state.ts";

/** A living process needs a moment only between the first file of a run and its state file. */
const UNFINISHED_AFTER_MILLISECONDS = 60_000;

/**
 * Removes files of no run from the state directory: those of processes that were killed while they opened one, and those
 * whose state file is no JSON. No process writes such a file; what there is of the run in an engine is known by labels.
 *
 * @param now milliseconds since 1970
 */
export async function sweepStateDirectory(stateDirectory: string, now: number): Promise<void> {
  const entries = await readdir(stateDirectory).catch((): string[] => []);
  for (const entry of entries) {
    const runId = entry.replace(/\.json(?:\.new)?$/, "");
    const isState = entry.endsWith(".json");
    if (!isRunId(runId) || (!isState && entries.includes(`${runId}.json`))) continue;
    const path = join(stateDirectory, entry);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || now - found.mtimeMs < UNFINISHED_AFTER_MILLISECONDS) continue;
    const removal = isState ? sweepBroken(path, () => forgetRun(stateDirectory, runId)) : removeTree(path);
    // What somebody has mounted there keeps nobody from working.
    await removal.catch(() => undefined);
  }
}

/** One of another version is that version's; one that cannot be read may be another user's. */
async function sweepBroken(stateFile: string, forget: () => Promise<void>): Promise<void> {
  const text = await readFile(stateFile, "utf8");
  try {
    JSON.parse(text);
  } catch {
    await forget();
  }
}
