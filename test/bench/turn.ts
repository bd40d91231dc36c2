import { spawn } from "node:child_process";
import { once } from "node:events";

/**
 * Waits for a lock that other work on this machine takes, too, and holds it while something is measured; what is
 * measured does not wait. Without a file there is nobody to wait for.
 */
export async function inTurn<T>(lock: string | undefined, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  if (lock === undefined) return work();
  // The lock is free when its holder ends, and it ends with its input: also when this process is killed.
  const holder = spawn("flock", [lock, "sh", "-c", "echo held; cat"], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(holder, "close");
  const end = (): boolean => holder.kill();
  signal?.addEventListener("abort", end);
  await Promise.race([once(holder.stdout, "data"), ended]);
  signal?.removeEventListener("abort", end);
  signal?.throwIfAborted();
  const how = holder.exitCode ?? holder.signalCode;
  if (how !== null) throw new Error(`flock ${lock} ended with ${how}`);
  try {
    return await work();
  } finally {
    holder.stdin.end();
    await ended;
  }
}
