import { access, constants, lstat, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { KubefileError } from "../error.ts";
import { aboutFile, isDiskFull } from "../process/disk-full.ts";

/**
 * Fails before any work when a file that is to be written at the end cannot be.
 *
 * @throws KubefileError USAGE with every such file
 */
export async function checkOutputFiles(files: readonly string[]): Promise<void> {
  const problems = (await Promise.all(files.map(problemOf))).filter((problem) => problem !== undefined);
  if (problems.length === 0) return;
  throw new KubefileError("USAGE", problems.join("\n"), {
    hint: "name a file in a directory that exists and that you may write to",
  });
}

/**
 * Into the file itself, which may be a pipe, or mounted alone. One that could not be written whole is removed.
 *
 * @throws KubefileError DISK_SHORT
 */
export async function writeJson(file: string, value: unknown): Promise<void> {
  try {
    await writeFile(file, `${JSON.stringify(value, undefined, 2)}\n`);
  } catch (error) {
    const isOurs = (await lstat(file).catch(() => undefined))?.isFile() === true;
    if (isOurs && isDiskFull(error)) await rm(file, { force: true }).catch(() => undefined);
    throw aboutFile(file, error);
  }
}

async function problemOf(file: string): Promise<string | undefined> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isDirectory() === true) return `cannot write ${file}: it is a directory`;
  const directory = dirname(file);
  if ((await stat(directory).catch(() => undefined))?.isDirectory() !== true) {
    return `cannot write ${file}: there is no directory ${directory}`;
  }
  return access(found === undefined ? directory : file, constants.W_OK).then(
    () => undefined,
    () => `cannot write ${file}: this user may not`,
  );
}
