import { lstat, readdir, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { isAbsent } from "./contained-path.ts";

/** A file `.wh.NAME` in a layer removes NAME (OCI image-spec, layer.md, "Whiteouts"). */
export const WHITEOUT_PREFIX = ".wh.";
/** Removes all that lower layers put into its directory. */
export const OPAQUE_WHITEOUT = ".wh..wh..opq";

/**
 * What `.wh.NAME` removes, by its file name; undefined for names of two prefixes, which are private to the writers of other
 * storage drivers. A name that is none would remove the directory itself, or the one above.
 *
 * @param unsafe makes the error
 */
export function hiddenName(file: string, unsafe: (why: string) => Error): string | undefined {
  const name = file.slice(WHITEOUT_PREFIX.length);
  if (["", ".", ".."].includes(name)) throw unsafe("is a whiteout of no name");
  return name.startsWith(WHITEOUT_PREFIX) ? undefined : name;
}

/**
 * Removes `path` and what is below it, but for what `keeps` names: a whiteout hides lower layers only, wherever in its
 * own layer it stands.
 *
 * @returns whether nothing is left
 */
export async function removeLower(root: string, path: string, keeps: (path: string) => boolean): Promise<boolean> {
  const absolute = join(root, path);
  let isDirectory: boolean;
  try {
    isDirectory = (await lstat(absolute)).isDirectory();
  } catch (error) {
    if (isAbsent(error)) return true;
    throw error;
  }
  if (isDirectory) {
    const emptied = await removeLowerChildren(root, path, keeps);
    if (!emptied || keeps(path)) return false;
    await rmdir(absolute);
    return true;
  }
  if (keeps(path)) return false;
  await unlink(absolute);
  return true;
}

/** The same for all children of a directory, which itself stays. */
export async function removeLowerChildren(
  root: string,
  directory: string,
  keeps: (path: string) => boolean,
): Promise<boolean> {
  let emptied = true;
  for (const name of await readdir(join(root, directory))) {
    const path = directory === "" ? name : `${directory}/${name}`;
    if (!(await removeLower(root, path, keeps))) emptied = false;
  }
  return emptied;
}
