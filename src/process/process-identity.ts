import { readFile, readlink } from "node:fs/promises";
import { hostname } from "node:os";
import { KubefileError } from "../error.ts";

/** Names one process for good: a process id alone is given to another process sooner or later. */
export interface ProcessIdentity {
  readonly host: string;
  /** Changes at each boot; empty where there is no /proc. */
  readonly bootId: string;
  /** Process ids of two containers of one machine mean different processes. */
  readonly namespace: string;
  readonly pid: number;
  /** Clock ticks after boot; empty where there is no /proc. */
  readonly started: string;
}

export type Liveness = "alive" | "dead" | "unknown";

/** The identity of a running process; undefined when there is none with this id. */
export async function processIdentity(pid: number): Promise<ProcessIdentity | undefined> {
  const [bootId, namespace, started] = await Promise.all([
    readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => ""),
    readlink("/proc/self/ns/pid").catch(() => ""),
    startTime(pid),
  ]);
  const haveProc = bootId !== "";
  if (haveProc ? started === undefined : !answersSignal(pid)) return undefined;
  return { host: hostname(), bootId: bootId.trim(), namespace, pid, started: started ?? "" };
}

/** The identity of this process. @throws KubefileError INTERNAL when the system does not tell it */
export async function ownIdentity(): Promise<ProcessIdentity> {
  const own = await processIdentity(process.pid);
  if (own === undefined) throw new KubefileError("INTERNAL", "this process cannot be identified");
  return own;
}

/**
 * Whether the process still runs, as far as can be told from here: "unknown" when it belongs to another machine or
 * to another container, whose processes cannot be seen.
 *
 * @param otherBoot what an identity of this host name and another boot means: where it was read from this machine's
 * own disk, that the machine was restarted; elsewhere it may be another machine of the same name
 */
export async function liveness(identity: ProcessIdentity, otherBoot: Liveness = "dead"): Promise<Liveness> {
  const self = await processIdentity(process.pid);
  if (self === undefined || self.host !== identity.host) return "unknown";
  if (self.bootId !== identity.bootId) return otherBoot;
  if (self.namespace !== identity.namespace) return "unknown";
  const now = await processIdentity(identity.pid);
  return now !== undefined && now.started === identity.started ? "alive" : "dead";
}

export function sameProcess(one: ProcessIdentity, other: ProcessIdentity): boolean {
  return formatIdentity(one) === formatIdentity(other);
}

/** One label value, read back by `parseIdentity`. */
export function formatIdentity({ host, bootId, namespace, pid, started }: ProcessIdentity): string {
  return [host, bootId, namespace, pid, started].join("/");
}

export function parseIdentity(text: string): ProcessIdentity | undefined {
  const [host, bootId, namespace, pid, started, ...rest] = text.split("/");
  if (host === undefined || bootId === undefined || namespace === undefined || started === undefined) return undefined;
  if (pid === undefined || !/^[1-9]\d{0,9}$/.test(pid) || rest.length > 0) return undefined;
  return { host, bootId, namespace, pid: Number(pid), started };
}

async function startTime(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // The command name, in parentheses, may hold blanks and parentheses itself; proc(5): field 22, state is field 3.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function answersSignal(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
