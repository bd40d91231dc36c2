import { lstat, readlink, rename, rm, symlink } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { errorMessage, KubefileError } from "../error.ts";
import { currentOwner, newFileName, ownerOf, stateOf } from "../store/owner.ts";

/** What is done under the lock takes milliseconds: one of this age, of an owner that cannot be asked, was left behind. */
const ABANDONED_AFTER_MILLISECONDS = 60_000;
const GIVE_UP_AFTER_MILLISECONDS = 90_000;
const RETRY_MILLISECONDS = 20;

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
  const name = newFileName(await currentOwner());
  const deadline = performance.now() + GIVE_UP_AFTER_MILLISECONDS;
  while (!(await take(path, name))) {
    if (await isAbandoned(path)) await moveAside(path, `${path}.${name}`);
    else if (performance.now() > deadline) throw unusable(path, "stays locked");
    // Waiters that wake at different times do not meet again.
    else await sleep(RETRY_MILLISECONDS * (0.5 + Math.random()), undefined, { signal });
  }
  try {
    return await work();
  } finally {
    // Only ours: after a long pause of this process somebody may have taken over.
    if ((await ownerNameOf(path)) === name) await rm(path, { force: true });
  }
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

async function isAbandoned(path: string): Promise<boolean> {
  const name = await ownerNameOf(path);
  const owner = name === undefined ? undefined : ownerOf(name);
  const state = owner === undefined ? "unknown" : await stateOf(owner, await currentOwner());
  if (state !== "unknown") return state === "dead";
  const found = await lstat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > ABANDONED_AFTER_MILLISECONDS;
}

/** Of two processes that see the same abandoned lock, the slower may move the faster one's new lock: then it goes back. */
async function moveAside(path: string, aside: string): Promise<void> {
  const before = await ownerNameOf(path);
  try {
    await rename(path, aside);
    if ((await ownerNameOf(aside)) === before) await rm(aside, { force: true });
    else await rename(aside, path);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw unusable(path, errorMessage(error), error);
  }
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
