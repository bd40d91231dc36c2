import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { ProgressEvent } from "../../src/pipeline/progress.ts";
import { type CommandHome, command } from "./kubefile-command.ts";

/** A kubefile command that goes on while the test looks at it; with `--progress json`, which it needs to be seen. */
export interface RunningCommand {
  readonly child: ChildProcess;
  readonly events: readonly ProgressEvent[];
  /** Everything it wrote so far that is not progress. */
  readonly output: () => string;
  /** Resolves at the first event, past or to come, that fits; fails when the command ends without one. */
  seen(fits: (event: ProgressEvent) => boolean): Promise<ProgressEvent>;
  /** Its exit code or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

export function startCommand(
  home: CommandHome,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): RunningCommand {
  const child = spawn(process.execPath, [command, ...args, "--progress", "json"], {
    env: { ...home.environment, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const events: ProgressEvent[] = [];
  const other: string[] = [];
  const waiting = new Set<(event: ProgressEvent) => void>();
  createInterface({ input: child.stdout }).on("line", (line) => other.push(line));
  createInterface({ input: child.stderr }).on("line", (line) => {
    if (!line.startsWith("{")) return void other.push(line);
    const event: ProgressEvent = JSON.parse(line);
    events.push(event);
    for (const tell of waiting) tell(event);
  });
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(code ?? signal ?? "SIGKILL"));
  });
  return {
    child,
    events,
    output: () => other.join("\n"),
    ended,
    async seen(fits) {
      const past = events.find(fits);
      if (past !== undefined) return past;
      const coming = new Promise<ProgressEvent>((resolve) => {
        waiting.add((event) => {
          if (fits(event)) resolve(event);
        });
      });
      const result = await Promise.race([coming, ended]);
      if (typeof result === "object") return result;
      throw new Error(`the command ended with ${result} first:\n${other.join("\n")}`);
    },
  };
}
