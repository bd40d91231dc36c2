import { readdir, readFile } from "node:fs/promises";

/** A variable that only the programs of one run have in their environment. */
export interface RunMarker {
  readonly name: string;
  readonly value: string;
}

/**
 * Kills programs that go on after their run's process was killed: they would make again what is being removed. Only
 * where there is /proc; elsewhere a later removal finds what they made.
 *
 * @returns whether there was one
 */
export async function endProcesses(markers: readonly RunMarker[]): Promise<boolean> {
  const wanted = new Set(markers.map(({ name, value }) => `${name}=${value}`));
  const processes = (await readdir("/proc").catch(() => [])).filter((name) => /^[1-9]\d*$/.test(name));
  const found = await Promise.all(
    processes.map(async (pid) => {
      // Of other users' processes it cannot be read, and they are not ours.
      const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
      const isMarked = environment.split("\0").some((variable) => wanted.has(variable));
      return isMarked && Number(pid) !== process.pid ? [Number(pid)] : [];
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
