import { cp, mkdtemp, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "rolldown";

const repository = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Makes what a release's tag holds, with bundles of today's sources, in a new temporary directory.
 *
 * @returns the directory; the caller removes it
 */
export async function makeRelease(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "kubefile-release-"));
  for (const name of [".github", "action.yml", "actions", "bin", "package.json"]) {
    await cp(join(repository, name), join(directory, name), { recursive: true });
  }
  await symlink(join(repository, "schemas"), join(directory, "schemas"));
  await bundle(join(directory, "dist"));
  return directory;
}

/** Bundles the actions as `npm run bundle` does, into another directory. */
export async function bundle(directory: string): Promise<void> {
  const { default: options } = await import("../../rolldown.config.ts");
  await build({ ...options, output: { ...options.output, dir: directory } });
}
