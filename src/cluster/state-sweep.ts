import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { isRunId } from "./run-state.ts";

/** A living process needs a moment only between the first file of a run and its state file. */
const UNFINISHED_AFTER_MILLISECONDS = 60_000;

/**
 * Removes what processes left in the state directory that were killed while they opened a run: files of no run.
 *
 * @param now milliseconds since 1970
 */
export async function sweepStateDirectory(stateDirectory: string, now: number): Promise<void> {
  const entries = await readdir(stateDirectory).catch((): string[] => []);
  for (const entry of entries) {
    const runId = entry.replace(/\.json\.new$/, "");
    if (!isRunId(runId) || entries.includes(`${runId}.json`)) continue;
    const path = join(stateDirectory, entry);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || now - found.mtimeMs < UNFINISHED_AFTER_MILLISECONDS) continue;
    await rm(path, { recursive: true, force: true });
  }
}
