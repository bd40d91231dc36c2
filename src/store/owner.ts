import { randomBytes } from "node:crypto";
import { readFile, readlink } from "node:fs/promises";

/**
 * The process a file in `ingest/` belongs to, as told by the file's name. A pid alone says nothing after a reboot, in
 * another container, or once the number is used again; hence boot, pid namespace and start time beside it.
 */
export interface Owner {
  readonly boot: string;
  readonly namespace: string;
  readonly pid: number;
  /** Clock ticks since boot. */
  readonly started: string;
}

const namePattern = /^([0-9a-f-]+)\.(\d+)\.(\d+)\.(\d+)\.[0-9a-f]{16}$/;

export async function currentOwner(): Promise<Owner> {
  return {
    boot: (await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "0")).trim(),
    namespace: /\d+/.exec(await readlink("/proc/self/ns/pid").catch(() => ""))?.[0] ?? "0",
    pid: process.pid,
    started: (await startTime(process.pid)) ?? "0",
  };
}

export function newFileName(owner: Owner): string {
  return [owner.boot, owner.namespace, owner.pid, owner.started, randomBytes(8).toString("hex")].join(".");
}

export function ownerOf(fileName: string): Owner | undefined {
  const [, boot, namespace, pid, started] = namePattern.exec(fileName) ?? [];
  if (boot === undefined || namespace === undefined || pid === undefined || started === undefined) return undefined;
  return { boot, namespace, pid: Number(pid), started };
}

/** Whether `owner` still runs, or "unknown" when it belongs to another boot, machine or container than `self`. */
export async function stateOf(owner: Owner, self: Owner): Promise<"alive" | "dead" | "unknown"> {
  if (owner.boot !== self.boot || owner.namespace !== self.namespace) return "unknown";
  return (await startTime(owner.pid)) === owner.started ? "alive" : "dead";
}

/** Undefined when no such process runs; "0" where the system does not tell. */
async function startTime(pid: number): Promise<string | undefined> {
  if (process.platform !== "linux") return isRunning(pid) ? "0" : undefined;
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // proc(5): field 22, counted from the third, which follows the command's closing parenthesis.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
