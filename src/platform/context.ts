import { createHash, randomBytes } from "node:crypto";
import { userInfo } from "node:os";
import { isAbsolute, join } from "node:path";
import type { Directories } from "../pipeline/host.ts";
import { detectPlatform } from "./detect.ts";
import { takeEnvironment } from "./hidden-variables.ts";
import { type Interruption, watchInterruption } from "./interruption.ts";
import type { Environment, Platform, TextOutput } from "./platform.ts";
import { processOutput } from "./process-output.ts";
import { resultsFile } from "./results.ts";

/** Whether colours are welcome: a terminal that can show them, and a user who has not said no (no-color.org). */
export function showsColor({ isTTY }: TextOutput, env: CommandContext["env"]): boolean {
  return isTTY === true && !env.NO_COLOR && env.TERM !== "dumb";
}

/** What a verb gets from the process it runs in; the only place where the environment is read. */
export interface CommandContext extends Interruption {
  readonly env: Environment;
  readonly cwd: string;
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
  readonly platform: Platform;
}

/** The process as it is, told how to end. What is printed passes the guard of the CI system that reads it. */
export function processContext(): CommandContext {
  const env = takeEnvironment(process.env);
  const cwd = process.cwd();
  const interruption = watchInterruption();
  const platform = detectPlatform({ env, cwd, log: process.stderr, signal: interruption.signal });
  return {
    env,
    cwd,
    stdout: platform.guard(processOutput(process.stdout)),
    stderr: platform.guard(processOutput(process.stderr)),
    platform,
    ...interruption,
  };
}

/** The directories of every run. */
export interface OwnDirectories extends Omit<Directories, "failure"> {
  /** One directory in it a run that failed. */
  readonly failures: string;
}

/** The XDG base directories, each with our own folder in it. A relative path counts for nothing, as that standard has it. */
export function directories(context: CommandContext, store: string | undefined): OwnDirectories {
  const { HOME, XDG_CACHE_HOME, XDG_STATE_HOME } = context.env;
  // Asked for only where it is needed: a container's user may have no name, and then the system knows no home.
  const home = (): string => absolute(HOME) ?? userInfo().homedir;
  const cache = join(absolute(XDG_CACHE_HOME) ?? join(home(), ".cache"), "kubefile");
  const state = join(absolute(XDG_STATE_HOME) ?? join(home(), ".local", "state"), "kubefile");
  return {
    store: store ?? join(cache, "store"),
    state: join(state, "runs"),
    tools: join(cache, "tools"),
    failures: resultsFile(context, "failures") ?? join(state, "failures"),
  };
}

function absolute(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined;
}

/** Ten hex digits: short enough for container names, long enough never to meet another run's. */
export function newRunId(): string {
  return createHash("sha256").update(randomBytes(32)).digest("hex").slice(0, 10);
}

export function newRunToken(): string {
  return randomBytes(24).toString("hex");
}
