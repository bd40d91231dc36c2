import { mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Environment } from "./platform.ts";

/**
 * A file that a job keeps, in the directory that KUBEFILE_RESULTS names; the directory is made. Undefined where nothing is
 * to be kept.
 */
export function resultsFile(
  { env, cwd }: { readonly env: Environment; readonly cwd: string },
  name: string,
): string | undefined {
  const directory = env.KUBEFILE_RESULTS;
  if (!directory) return undefined;
  const file = join(resolve(cwd, directory), name);
  mkdirSync(dirname(file), { recursive: true });
  return file;
}
