import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { KubefileError } from "../error.ts";
import { type Digest, isDigest } from "../oci/digest.ts";
import type { ProcessIdentity } from "../process/process-identity.ts";
import { isLocked } from "./file-lock.ts";
import { ownedFileName, ownerLiveness } from "./file-owner.ts";

/** A user's word that blobs of the store may not be removed now. One of a process that is gone counts for nothing. */
export interface Lease {
  release(): Promise<void>;
}

export interface LeaseOptions {
  /** All that this user needs: manifests, with what they lead to. Without it any blob may be needed. */
  readonly pins?: readonly Digest[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What those need who use a store now. */
export interface StoreUse {
  /** Who may need any blob: "process 4711 on runner-1". */
  readonly users: readonly string[];
  readonly pins: readonly Digest[];
}

const HEARTBEAT_MILLISECONDS = 60_000;
/** A lease whose owner cannot be asked, such as another container's, ends when it was not touched for so long. */
const ABANDONED_AFTER_MILLISECONDS = 10 * HEARTBEAT_MILLISECONDS;
const LOOK_AGAIN_MILLISECONDS = 50;
const GIVE_UP_AFTER_MILLISECONDS = 10 * 60_000;

/** Held while blobs are removed. */
export function removalLock(directory: string): string {
  return join(directory, "removal.lock");
}

/**
 * Takes a lease, waiting until nobody removes blobs. Whoever removes takes the lock and then looks for leases; here a
 * lease is taken and then the lock looked at: so one of the two sees the other, whatever the order.
 *
 * @throws KubefileError STORE_BUSY when removing goes on for ten minutes
 */
export async function takeLease(
  directory: string,
  owner: ProcessIdentity,
  { pins = [], signal }: LeaseOptions,
): Promise<Lease> {
  const leases = join(directory, "leases");
  await mkdir(leases, { recursive: true });
  const path = join(leases, ownedFileName(owner));
  const deadline = performance.now() + GIVE_UP_AFTER_MILLISECONDS;
  for (;;) {
    signal?.throwIfAborted();
    // Until all pins are in it, an empty file asks for everything.
    await writeFile(path, pins.map((digest) => `${digest}\n`).join(""), { mode: 0o600 });
    if (!(await isLocked(removalLock(directory)))) break;
    await rm(path, { force: true });
    if (performance.now() > deadline) {
      throw new KubefileError("STORE_BUSY", `blobs are being removed from the store in ${directory}`, {
        hint: "wait for the other `kubefile cache prune` to end, or end it",
      });
    }
    await sleep(LOOK_AGAIN_MILLISECONDS, undefined, { signal });
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, HEARTBEAT_MILLISECONDS).unref();
  return {
    async release() {
      clearInterval(heartbeat);
      await rm(path, { force: true }).catch(() => undefined);
    },
  };
}

/** @param now milliseconds since the epoch */
export async function storeUse(directory: string, now: number): Promise<StoreUse> {
  const leases = await sweepLeases(directory, now);
  const users = leases.filter(({ pins }) => pins.length === 0).map(({ name }) => shownOwner(name));
  return { users: [...new Set(users)], pins: leases.flatMap(({ pins }) => pins) };
}

/**
 * Removes the leases of those who are gone, and returns the others.
 *
 * @param now milliseconds since the epoch
 */
export async function sweepLeases(
  directory: string,
  now: number,
): Promise<readonly { readonly name: string; readonly pins: readonly Digest[] }[]> {
  const held: { readonly name: string; readonly pins: readonly Digest[] }[] = [];
  for (const name of await readdir(join(directory, "leases")).catch(() => [])) {
    const path = join(directory, "leases", name);
    const text = await readFile(path, "utf8").catch(() => undefined);
    const found = await stat(path).catch(() => undefined);
    if (text === undefined || found === undefined) continue;
    const owner = await ownerLiveness(name);
    if (owner === "dead" || (owner === "unknown" && now - found.mtimeMs > ABANDONED_AFTER_MILLISECONDS)) {
      await rm(path, { force: true });
    } else {
      held.push({ name, pins: text.split("\n").filter(isDigest) });
    }
  }
  return held;
}

/** From `host,boot,namespace,pid,started,random`. */
function shownOwner(name: string): string {
  const [host = "", , , pid = ""] = name.split(",");
  return /^\d+$/.test(pid) ? `process ${pid} on ${host}` : "an unknown process";
}
