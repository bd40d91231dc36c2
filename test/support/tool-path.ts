import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

let directory: Promise<string> | undefined;

/** The path of a program that test/setup/tools provides. */
export async function toolPath(name: string): Promise<string> {
  directory ??= promisify(execFile)(fileURLToPath(new URL("../setup/tools", import.meta.url))).then(({ stdout }) =>
    stdout.trim(),
  );
  return join(await directory, name);
}
