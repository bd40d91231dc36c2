import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Runs one docker command, and says what it printed. */
export async function docker(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)("docker", args, { timeout: 60_000 });
  return stdout;
}

export function lines(text: string): readonly string[] {
  return text.split("\n").filter((line) => line !== "");
}
