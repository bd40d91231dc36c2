import { lstat, lutimes, readlink, rm, symlink } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { errorMessage, KubefileError } from "../error.ts";
import { ownIdentity } from "../process/process-identity.ts";
import { ownedFileName, ownerLiveness } from "./file-owner.ts";

/** A lock of this age was left behind when its owner, which touches it while it works, cannot be asked. */
const ABANDONED_AFTER_MILLISECONDS = 60_000;
const GIVE_UP_AFTER_MILLISECONDS = 90_000;
const RETRY_MILLISECONDS = 20;
/** Whoever works for longer says so this often. */
const HEARTBEAT_MILLISECONDS = 15_000;

/**
 * Runs `work` while no other process holds the lock at `path`. The lock is a symbolic link that leads to its owner's
 * name, made in one step: it is never there without saying whose it is. That of a dead process is taken over.
 *
 * @throws KubefileError STORE_UNUSABLE when it is not to be had
 */
export async function withFileLock<T>(
  path: string,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const name = ownedFileName(await ownIdentity());
  const deadline = performance.now() + GIVE_UP_AFTER_MILLISECONDS;
  while (!(await take(path, name))) {
    const abandoned = await abandonedOwner(path);
    if (abandoned !== undefined) await takeAway(path, abandoned, name);
    else if (performance.now() > deadline) throw unusable(path, "stays locked");
    // Waiters that wake at different times do not meet again.
    else await sleep(RETRY_MILLISECONDS * (0.5 + Math.random()), undefined, { signal });
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    lutimes(path, now, now).catch(() => undefined);
  }, HEARTBEAT_MILLISECONDS).unref();
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    // Only ours: after a long pause of this process somebody may have taken over.
    if ((await ownerNameOf(path)) === name) await rm(path, { force: true });
  }
}

/** Whether somebody works under the lock at `path` now. */
export async function isLocked(path: string): Promise<boolean> {
  return (await ownerNameOf(path)) !== undefined && (await abandonedOwner(path)) === undefined;
}

async function take(path: string, name: string): Promise<boolean> {
  try {
    await symlink(name, path);
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw unusable(path, errorMessage(error), error);
  }
}

/** Whose lock it is, when it is nobody's any more. */
async function abandonedOwner(path: string): Promise<string | undefined> {
  const name = await ownerNameOf(path);
  if (name === undefined) return undefined;
  const owner = await ownerLiveness(name);
  if (owner !== "unknown") return owner === "dead" ? name : undefined;
  return (await isOld(path)) ? name : undefined;
}

/**
 * Removes an abandoned lock. Of several that see it, one at a time looks again and removes it: otherwise the slower
 * would remove what the faster has just taken.
 */
async function takeAway(path: string, abandoned: string, name: string): Promise<void> {
  const guard = `${path}.takeover`;
  if (!(await take(guard, name))) {
    // Held for a few system calls; an old one was left by a process that was killed between them.
    if (await isOld(guard)) await rm(guard, { force: true });
    return;
  }
  try {
    if ((await ownerNameOf(path)) === abandoned) await rm(path, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}

async function isOld(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > ABANDONED_AFTER_MILLISECONDS;
}

async function ownerNameOf(path: string): Promise<string | undefined> {
  return readlink(path).catch(() => undefined);
}

function unusable(path: string, why: string, cause?: unknown): KubefileError {
  return new KubefileError("STORE_UNUSABLE", `lock ${path}: ${why}`, {
    hint: "check that the directory is writable; remove the lock when no kubefile process runs",
    cause,
  });
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
