import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Vitest's global set-up of tests that run `bin/kubefile`: compiles today's sources. */
export default async function setup(): Promise<void> {
  // Not `npm run build`, which removes the old one first: somebody may be using it.
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  await promisify(execFile)("node_modules/.bin/tsc", ["-p", "tsconfig.build.json"], { cwd });
}
