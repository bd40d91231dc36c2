import { chmod, lstat, mkdtemp, readdir, rename, rm, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { errorMessage, KubefileError } from "../error.ts";

/** Of paths in bytes; a system takes 4096 at most, and programs that change into directories make deeper ones. */
const LONG_PATH = 2_048;

/**
 * Removes a tree whatever its modes and depth: `rm` cannot empty a directory without write permission, nor name what
 * lies too deep.
 *
 * @throws KubefileError STORE_UNUSABLE when something in it is mounted, immutable or another user's
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch {
    await removeStubborn(path).catch((error: unknown) => {
      throw new KubefileError("STORE_UNUSABLE", `${path} cannot be removed: ${errorMessage(error)}`, {
        hint: "see what is mounted there or immutable (`mount`, `lsattr -R`), and release it; `kubefile clean` does the rest",
        cause: error,
      });
    });
  }
}

/** Removes entry by entry. What lies too deep is brought up first. */
async function removeStubborn(root: string): Promise<void> {
  const deep: string[] = [];
  const remove = async (path: string): Promise<void> => {
    const found = await lstat(path).catch(ignoreAbsent);
    if (found === undefined) return;
    if (!found.isDirectory()) return unlink(path).catch(ignoreAbsent);
    await chmod(path, 0o700).catch(ignoreAbsent);
    if (Buffer.byteLength(path) > LONG_PATH) {
      const place = join(await mkdtemp(join(root, "deep-")), "tree");
      deep.push(place);
      return rename(path, place).catch(ignoreAbsent);
    }
    for (const name of (await readdir(path).catch(ignoreAbsent)) ?? []) await remove(join(path, name));
    // The root stays for what was brought up meanwhile.
    if (path !== root) await rmdir(path).catch(ignoreAbsent);
  };
  await remove(root);
  for (let place = deep.pop(); place !== undefined; place = deep.pop()) await remove(place);
  await rm(root, { recursive: true, force: true });
}

/** Somebody else may be removing the same, and so may the calls of `rm` that were under way when it failed. */
function ignoreAbsent(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
  throw error;
}
