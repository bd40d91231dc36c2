import { main } from "../../../src/cli/main.ts";
import type { CommandContext } from "../../../src/platform/context.ts";
import type { Platform } from "../../../src/platform/platform.ts";
import { terminal } from "../../../src/platform/terminal.ts";

export interface CommandOutcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandSetting {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly terminal?: boolean;
  readonly signal?: AbortSignal;
  readonly platform?: Platform;
}

/** A context as a process has it, with an environment that leads nowhere: no engine, no registry, no home but `cwd`. */
export function commandContext(setting: CommandSetting): CommandContext & { readonly written: () => CommandOutcome } {
  const output = { stdout: "", stderr: "" };
  const stream = (name: "stdout" | "stderr") => ({
    isTTY: setting.terminal ?? false,
    columns: 100,
    write: (text: string) => {
      output[name] += text;
    },
  });
  return {
    env: { HOME: setting.cwd, PATH: "/nowhere", DOCKER_HOST: "unix:///nowhere/docker.sock", ...setting.env },
    cwd: setting.cwd,
    stdout: stream("stdout"),
    stderr: stream("stderr"),
    platform: setting.platform ?? terminal,
    signal: setting.signal ?? new AbortController().signal,
    repeated: new AbortController().signal,
    written: () => ({ exitCode: -1, ...output }),
  };
}

/** Runs a command line in this process. */
export async function kubefile(argv: readonly string[], setting: CommandSetting): Promise<CommandOutcome> {
  const context = commandContext(setting);
  const exitCode = await main(argv, context);
  return { ...context.written(), exitCode };
}
