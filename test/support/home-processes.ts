import { readdir, readFile } from "node:fs/promises";
import type { CommandHome } from "./kubefile-command.ts";

/** Programs whose home is the test's or below it: the command itself, and whatever it started and these in turn. */
export async function processesOf(home: CommandHome): Promise<readonly { pid: string; command: string }[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
      if (!environment.split("\0").some((variable) => variable.startsWith(`HOME=${home.directory}`))) return [];
      const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      return [{ pid, command: command.replaceAll("\0", " ").slice(0, 120) }];
    }),
  );
  return found.flat();
}
