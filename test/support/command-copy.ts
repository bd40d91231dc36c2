import { execFile } from "node:child_process";
import { chmod, cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const repository = resolve(import.meta.dirname, "../..");

/** The command as it is installed: compiled from today's sources, with its dependencies, readable by every user. */
export interface CommandCopy {
  /** Absolute path of `kubefile`. */
  readonly command: string;
  remove(): Promise<void>;
}

export async function copyCommand(): Promise<CommandCopy> {
  const directory = await mkdtemp(join(tmpdir(), "kubefile-command-"));
  await chmod(directory, 0o755);
  const compile = ["-p", "tsconfig.build.json", "--outDir", join(directory, "lib")];
  await run(join(repository, "node_modules/.bin/tsc"), compile, { cwd: repository });
  for (const part of ["bin", "schemas", "package.json"]) {
    await cp(join(repository, part), join(directory, part), { recursive: true });
  }
  const { stdout } = await run("npm", ["ls", "--omit=dev", "--all", "--parseable"], { cwd: repository });
  const packages = stdout.split("\n").filter((path) => path.includes("/node_modules/"));
  for (const path of packages) {
    await cp(path, join(directory, relative(repository, path)), { recursive: true, dereference: true });
  }
  return {
    command: join(directory, "bin", "kubefile"),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}
