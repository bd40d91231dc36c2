import { chmod, lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isAbsent } from "./contained-path.ts";

/** Removes a tree whatever its modes: a directory without write permission keeps `rm` from emptying it. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (!isDenied(error)) throw error;
    await makeWritable(path);
    await rm(path, { recursive: true, force: true });
  }
}

async function makeWritable(path: string): Promise<void> {
  try {
    if (!(await lstat(path)).isDirectory()) return;
    await chmod(path, 0o700);
    for (const name of await readdir(path)) await makeWritable(join(path, name));
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
}

function isDenied(error: unknown): boolean {
  return error instanceof Error && "code" in error && ["EACCES", "EPERM", "ENOTEMPTY"].includes(String(error.code));
}
