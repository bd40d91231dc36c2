import { setTimeout as sleep } from "node:timers/promises";
import { KubefileError } from "../error.ts";
import type { Digest } from "../oci/digest.ts";
import { withFileLock } from "./file-lock.ts";
import { removalLock, storeUse } from "./lease.ts";

/** Short commands, and those that are about to wait for us, are gone by then. */
const PATIENCE_MILLISECONDS = 2_000;
const LOOK_AGAIN_MILLISECONDS = 50;

/**
 * Runs `work` while nobody uses the store but those who have said what they need: its manifests come as `pins`. Whoever
 * opens the store meanwhile waits. A process that is killed here leaves a lock that counts for nothing.
 *
 * @throws KubefileError STORE_BUSY when somebody may need any blob, STORE_UNUSABLE
 */
export async function withExclusiveStore<T>(
  directory: string,
  signal: AbortSignal,
  work: (pins: readonly Digest[]) => Promise<T>,
): Promise<T> {
  return withFileLock(removalLock(directory), signal, async () => {
    const deadline = performance.now() + PATIENCE_MILLISECONDS;
    let use = await storeUse(directory, Date.now());
    while (use.users.length > 0) {
      if (performance.now() > deadline) throw busy(directory, use.users);
      await sleep(LOOK_AGAIN_MILLISECONDS, undefined, { signal });
      use = await storeUse(directory, Date.now());
    }
    return work(use.pins);
  });
}

function busy(directory: string, users: readonly string[]): KubefileError {
  return new KubefileError("STORE_BUSY", `the store in ${directory} is in use by ${users.join(", ")}`, {
    hint: "nothing is removed beneath a running build: prune when it has ended",
  });
}
