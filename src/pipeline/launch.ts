import type { CommandTimeline } from "../capture/command-times.ts";
import { launchTools } from "../cluster/launch-tools.ts";
import type { CommandContainer } from "../cluster/types.ts";
import { KubefileError, type Location } from "../error.ts";
import type { LaunchCommand } from "../image/types.ts";
import { atLocation } from "../rootfs/problems.ts";
import type { Phase } from "./progress.ts";

export interface LaunchOptions {
  readonly container: CommandContainer;
  readonly commands: readonly LaunchCommand[];
  readonly timeline: CommandTimeline;
  /** Of the whole image; a command's own wins over it, and `overrides` over both. */
  readonly env: Readonly<Record<string, string>>;
  readonly overrides?: Readonly<Record<string, string>>;
  readonly phase: Phase;
  readonly signal: AbortSignal;
  /** Milliseconds for all commands together. */
  readonly timeout: number;
  readonly now: () => number;
  /** False when --launch-network left the network open. */
  readonly networkCut: boolean;
}

/**
 * Runs the launch commands one after the other, as a site will.
 *
 * @throws KubefileError LAUNCH_FAILED with the command's last words, its line and what to use instead
 */
export async function runLaunch(options: LaunchOptions): Promise<void> {
  const end = options.now() + options.timeout;
  for (const command of options.commands) {
    options.phase.log(`$ ${command.command}`);
    options.phase.update(command.command);
    options.timeline.begin(command.command, locationOf(command));
    const execution = options.container.exec(command.command, {
      env: { ...options.env, ...command.env, ...options.overrides },
      directory: command.directory,
      onLine: (line) => options.phase.log(line),
      signal: options.signal,
      timeout: Math.max(1_000, end - options.now()),
    });
    const { exitCode, output } = await execution.catch((error: unknown) => {
      throw atLocation(timeoutError(error, command), locationOf(command));
    });
    options.timeline.end();
    if (exitCode !== 0) throw launchError(command, exitCode, output, options.networkCut);
  }
}

/** `Kubefile:12` of a recorded command, as a place. */
export function locationOf(command: LaunchCommand): Location {
  const match = /^(.*):(\d+)$/.exec(command.source);
  return { file: match?.[1] ?? command.source, line: Number(match?.[2] ?? 1) };
}

function launchError(command: LaunchCommand, exitCode: number, output: string, networkCut: boolean): KubefileError {
  const where = locationOf(command);
  const said = output.trim().split("\n").slice(-6).join("\n");
  const missing = missingTool(exitCode, output);
  const message =
    missing === undefined
      ? `launch command ${JSON.stringify(command.command)} ended with exit code ${exitCode}${said === "" ? "" : `:\n${said}`}`
      : `launch command ${JSON.stringify(command.command)} needs ${missing}, which a site does not promise`;
  return new KubefileError("LAUNCH_FAILED", message, {
    hint: hintFor(missing ?? toolOfScript(output), command, output, networkCut),
    where,
  });
}

/** The command's own line is worth more than the words of whoever stopped waiting for it. */
function timeoutError(error: unknown, command: LaunchCommand): unknown {
  if (!(error instanceof KubefileError) || error.code !== "COMMAND_TIMEOUT") return error;
  return new KubefileError("LAUNCH_FAILED", `launch command ${error.message}`, {
    hint: "give the launch more time with --timeout, or find out what the command waits for: the kept bundle has the cluster's events",
    where: locationOf(command),
    cause: error,
  });
}

function missingTool(exitCode: number, output: string): string | undefined {
  const named = /(?:^|\n)(?:.*?: )?([\w./+-]+): (?:command )?not found/.exec(output)?.[1];
  return exitCode === 127 ? (named ?? "a program") : undefined;
}

/** A script may go on after what it did not find, and end with another exit code than that. */
function toolOfScript(output: string): string | undefined {
  return /^[^\n:]+: (?:line )?\d+: ([\w./+-]+): (?:command )?not found$/m.exec(output)?.[1];
}

function hintFor(missing: string | undefined, command: LaunchCommand, output: string, networkCut: boolean): string {
  if (missing !== undefined) {
    return `put ${missing} into the rootfs under bin/, which comes first on PATH; a launch may otherwise use ${launchTools.slice(0, 6).join(", ")}, … (docs/kubefile.md)`;
  }
  const offline =
    /no such host|could not resolve|bad address|network is unreachable|connection refused|i\/o timeout|lookup .*:/i;
  if (networkCut && (/https?:\/\//.test(command.command) || offline.test(output))) {
    return "the launch has no network, because a site has none: fetch the file while building (RUN wget, or COPY) and apply it from the rootfs";
  }
  if (/no matches for kind/.test(output)) {
    return "the cluster does not know this kind: apply its CustomResourceDefinition before, and wait for it (kubectl wait --for=condition=Established crd/NAME)";
  }
  const directory = command.directory === "" ? "the rootfs" : `${command.directory}/ of the rootfs`;
  if (/no such file or directory|\bpath "[^"\n]*" (?:does not exist|not found)/i.test(output)) {
    return `the command runs in ${directory}: let a step put the file there (COPY, ADD, RUN), or mend the path`;
  }
  return `run the same command against a cluster of your own, in ${directory}`;
}
