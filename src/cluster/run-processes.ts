import { readdir, readFile } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A variable that only the programs of one run have in their environment. */
export interface RunMarker {
  readonly name: string;
  /** What it says, or what tells whether it says the right thing. */
  readonly value: string | ((said: string) => Promise<boolean>);
}

interface MarkedProcess {
  readonly pid: number;
  /** True for a docker client that waits for the engine to make something. */
  readonly isMaking: boolean;
}

const LOOK_AGAIN = 50;
/** A container's volumes are filled while it is made, which takes seconds on a slow disk. */
const MAKING_TIMEOUT = 20_000;
const KILL_TIMEOUT = 5_000;

/**
 * Ends programs that go on after whoever started them: they would make again what is being removed. A docker client
 * that is having something made is waited for: the engine finishes in any case, and shows nothing of it before. Only
 * where there is /proc; elsewhere a later removal finds what they made.
 *
 * @returns whether there was one
 */
export async function endProcesses(markers: readonly RunMarker[]): Promise<boolean> {
  for (let waited = 0; ; waited += LOOK_AGAIN) {
    const found = await markedProcesses(markers);
    // Looked for again after the kill: what has ended may have started another just before.
    if (found.length === 0 || waited >= MAKING_TIMEOUT + KILL_TIMEOUT) return waited > 0;
    for (const { pid, isMaking } of found) {
      if (!isMaking || waited >= MAKING_TIMEOUT) kill(pid);
    }
    await sleep(LOOK_AGAIN);
  }
}

async function markedProcesses(markers: readonly RunMarker[]): Promise<MarkedProcess[]> {
  const pids = (await readdir("/proc").catch((): string[] => [])).filter((name) => /^[1-9]\d*$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid): Promise<MarkedProcess[]> => {
      // Of other users' processes it cannot be read, and they are not ours; of those that have ended it is empty.
      const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
      if (Number(pid) === process.pid || !(await isMarked(environment.split("\0"), markers))) return [];
      const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      return [{ pid: Number(pid), isMaking: makesSomething(command.split("\0")) }];
    }),
  );
  return found.flat();
}

async function isMarked(variables: readonly string[], markers: readonly RunMarker[]): Promise<boolean> {
  for (const { name, value } of markers) {
    const said = variables.find((variable) => variable.startsWith(`${name}=`))?.slice(name.length + 1);
    if (said !== undefined && (typeof value === "string" ? said === value : await value(said))) return true;
  }
  return false;
}

function makesSomething([program = "", ...args]: readonly string[]): boolean {
  if (basename(program) !== "docker") return false;
  const [verb = "", object = ""] = args;
  return ["run", "create", "start"].includes(["container", "network", "volume"].includes(verb) ? object : verb);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended in between.
  }
}
