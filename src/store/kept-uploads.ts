import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, isDigest } from "../oci/digest.ts";
import { formatRepository, type Repository } from "../oci/reference.ts";
import { ownIdentity } from "../process/process-identity.ts";
import { ownedFileName, ownerLiveness } from "./file-owner.ts";

/**
 * Remembers where uploads to registries were begun, so that whoever comes after a killed process goes on with them.
 * Only a help: no method throws, and what is remembered may be out of date.
 */
export interface KeptUploads {
  /** The location of one that nobody works on any more. Whoever gets it has it alone. */
  take(repository: Repository, digest: Digest): Promise<string | undefined>;
  /** Replaces what this process kept of the same upload before. */
  keep(repository: Repository, digest: Digest, location: string): Promise<void>;
  /** It is done, or of no use. */
  drop(repository: Repository, digest: Digest): Promise<void>;
  /** This process gives it up, and anybody may take it. */
  release(repository: Repository, digest: Digest): Promise<void>;
}

/** One of an owner that cannot be asked, such as another container's process, may still be going on for so long. */
const ABANDONED_AFTER_MILLISECONDS = 30 * 60_000;
/** Registries throw uploads away after a week at the latest. */
const FORGOTTEN_AFTER_MILLISECONDS = 7 * 24 * 60 * 60_000;
const RELEASED = "released";

/**
 * One file an upload below `uploads/` of the store, named by what it is an upload of and whose it is: a line with its
 * location, and one with the blob's digest. A location may
 * let its reader write to the registry, so only this user can read the files.
 *
 * @param storeDirectory of an opened store
 * @param now milliseconds since the epoch
 */
export function keepUploads(storeDirectory: string, now: () => number = Date.now): KeptUploads {
  const directory = join(storeDirectory, "uploads");
  /** Paths of the files of uploads that this process works on, by key. */
  const own = new Map<string, string>();

  const isFree = async (path: string, owner: string): Promise<boolean> => {
    const state = owner === RELEASED ? "dead" : await ownerLiveness(owner);
    return state === "dead" || (state === "unknown" && (await age(path)) > ABANDONED_AFTER_MILLISECONDS);
  };
  const age = async (path: string): Promise<number> => now() - (await stat(path)).mtimeMs;
  const newPath = async (key: string): Promise<string> =>
    join(directory, `${key}.${ownedFileName(await ownIdentity())}`);

  const claim = async (key: string, name: string): Promise<string | undefined> => {
    const path = join(directory, name);
    if ((await age(path)) > FORGOTTEN_AFTER_MILLISECONDS) await rm(path, { force: true });
    else if (name.startsWith(`${key}.`) && (await isFree(path, name.slice(key.length + 1)))) {
      const claimed = await newPath(key);
      // Of several that try, one finds the old name.
      await rename(path, claimed);
      own.set(key, claimed);
      return (await readFile(claimed, "utf8")).split("\n", 1)[0];
    }
    return undefined;
  };

  return {
    async take(repository, digest) {
      const key = keyOf(repository, digest);
      for (const name of await readdir(directory).catch(() => [])) {
        const location = await claim(key, name).catch(() => undefined);
        if (location !== undefined) return location;
      }
      return undefined;
    },

    async keep(repository, digest, location) {
      const key = keyOf(repository, digest);
      try {
        const path = own.get(key) ?? (await newPath(key));
        await mkdir(directory, { recursive: true, mode: 0o700 });
        await writeFile(path, `${location}\n${digest}\n`, { mode: 0o600 });
        own.set(key, path);
      } catch {
        // Then an interrupted upload begins anew.
      }
    },

    async drop(repository, digest) {
      const key = keyOf(repository, digest);
      const path = own.get(key);
      own.delete(key);
      if (path !== undefined) await rm(path, { force: true }).catch(() => undefined);
    },

    async release(repository, digest) {
      const key = keyOf(repository, digest);
      const path = own.get(key);
      own.delete(key);
      if (path !== undefined) await rename(path, join(directory, `${key}.${RELEASED}`)).catch(() => undefined);
    },
  };
}

/** The blobs of uploads that somebody may still go on with. */
export async function digestsOfUploads(storeDirectory: string, now: number): Promise<readonly Digest[]> {
  const directory = join(storeDirectory, "uploads");
  const digests: Digest[] = [];
  for (const name of await readdir(directory).catch(() => [])) {
    const path = join(directory, name);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || now - found.mtimeMs > FORGOTTEN_AFTER_MILLISECONDS) continue;
    const digest = (await readFile(path, "utf8").catch(() => "")).split("\n")[1];
    if (digest !== undefined && isDigest(digest)) digests.push(digest);
  }
  return digests;
}

function keyOf(repository: Repository, digest: Digest): string {
  return createHash("sha256")
    .update(`${formatRepository(repository)} ${digest}`)
    .digest("hex");
}
