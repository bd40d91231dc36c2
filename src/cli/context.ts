import { createHash, randomBytes } from "node:crypto";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Directories } from "../pipeline/host.ts";
import type { Interruption } from "./interruption.ts";

/** A stream for people or for a pipe; a terminal has a width. */
export interface TextOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** Whether colours are welcome: a terminal that can show them, and a user who has not said no (no-color.org). */
export function showsColor({ isTTY }: TextOutput, env: CommandContext["env"]): boolean {
  return isTTY === true && !env.NO_COLOR && env.TERM !== "dumb";
}

/** What a verb gets from the process it runs in; the only place where the environment is read. */
export interface CommandContext extends Interruption {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
}

/** The XDG base directories, each with our own folder in it. */
export function directories(context: CommandContext, store: string | undefined): Directories {
  const home = context.env.HOME ?? homedir();
  const cache = join(context.env.XDG_CACHE_HOME || join(home, ".cache"), "kubefile");
  const state = join(context.env.XDG_STATE_HOME || join(home, ".local", "state"), "kubefile");
  return {
    store: store ?? join(cache, "store"),
    state: join(state, "runs"),
    tools: join(cache, "tools"),
    failures: join(state, "failures"),
  };
}

/** Ten hex digits: short enough for container names, long enough never to meet another run's. */
export function newRunId(): string {
  return createHash("sha256").update(randomBytes(32)).digest("hex").slice(0, 10);
}

export function newRunToken(): string {
  return randomBytes(24).toString("hex");
}
