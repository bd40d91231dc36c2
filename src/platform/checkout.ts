import { realpath, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { KubefileError } from "../error.ts";
import { isOutside } from "../rootfs/contained-path.ts";

/** The Git checkout that a directory is part of, which no commit can make larger; without one the directory itself. */
export async function checkoutOf(directory: string): Promise<string> {
  const real = await realpath(directory);
  for (let folder = real; dirname(folder) !== folder; folder = dirname(folder)) {
    if ((await stat(join(folder, ".git")).catch(() => undefined)) !== undefined) return folder;
  }
  return real;
}

/**
 * Refuses files that a path or a link of the commit leads out of its checkout. What is wrong with a file is told with its
 * lines: those of `/proc/self/environ`, or of the machine's credentials, are nobody's to read in a log. A file that is not
 * there is left to whoever reads it.
 *
 * @param checkout what `checkoutOf` says
 * @throws KubefileError PATH_ESCAPES
 */
export async function requireInCheckout(checkout: string, files: readonly string[]): Promise<void> {
  for (const file of files) {
    const real = await realpath(file).catch(() => undefined);
    if (real === undefined || !isOutside(checkout, real)) continue;
    throw new KubefileError("PATH_ESCAPES", `${file} leads out of the checkout ${checkout}, to ${real}`, {
      hint: "files of a commit, and links in it, may only lead to what is part of it: put the file itself there",
    });
  }
}
