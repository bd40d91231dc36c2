import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { isRunId } from "../cluster/run-state.ts";

/** Enough to compare failures with; few enough for a runner that fails every night of a year. */
export const KEPT_BUNDLES = 20;

/**
 * Removes bundles of failed runs, all but the newest. Never throws: a bundle that stays is no failure of the build that
 * looked at it.
 *
 * @param directory absolute path; one directory in it a run that failed, and nothing else in it is touched
 */
export async function removeOldBundles(directory: string): Promise<void> {
  try {
    const names = (await readdir(directory)).filter(isRunId);
    const bundles = await Promise.all(
      names.map(async (name) => ({ name, time: (await stat(join(directory, name))).mtimeMs })),
    );
    const old = bundles.toSorted((one, other) => other.time - one.time).slice(KEPT_BUNDLES);
    await Promise.all(old.map(({ name }) => rm(join(directory, name), { recursive: true, force: true })));
  } catch {
    // Another run removes them at the same time, or they belong to somebody else.
  }
}
