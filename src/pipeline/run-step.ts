import { mkdir } from "node:fs/promises";
import { startCommandContainer } from "../cluster/command-container.ts";
import type { Engine } from "../cluster/engine.ts";
import { endProcesses } from "../cluster/run-processes.ts";
import type { Run } from "../cluster/run-state.ts";
import type { CommandContainer } from "../cluster/types.ts";
import { KubefileError } from "../error.ts";
import { shellWord } from "../plan/launch.ts";
import type { RunCommand, RunStep } from "../plan/step.ts";
import { run as runProgram } from "../process/run.ts";
import { packTree } from "../rootfs/pack-tree.ts";
import { unpackTree } from "../rootfs/unpack-tree.ts";
import type { RootfsWorkspace } from "../rootfs/workspace.ts";
import { type BuildSecrets, hiding, type StepValue, valuesFor } from "./build-secrets.ts";
import type { Phase } from "./progress.ts";

/** Where RUN runs. */
export type RunPlace = HostRun | ContainerRun;

export interface HostRun {
  readonly kind: "host";
  readonly searchPath: string;
  /** Absolute path of a directory of this run: what programs keep at home belongs into no layer. */
  readonly home: string;
}

export interface ContainerRun {
  readonly kind: "container";
  /** Asked for only when there is a RUN. */
  readonly engine: () => Promise<Engine>;
  readonly run: Run;
  readonly image: string;
}

export interface RunWork {
  readonly workspace: RootfsWorkspace;
  readonly place: RunPlace;
  readonly secrets: BuildSecrets;
  readonly phase: Phase;
  readonly signal: AbortSignal;
}

const RUN_TIMEOUT = 3_600_000;

/** A RUN with what it gets of the secrets. */
interface Command {
  readonly step: RunStep;
  readonly values: readonly StepValue[];
  readonly env: Readonly<Record<string, string>>;
  readonly hide: (line: string) => string;
}

/**
 * Executes a RUN on the rootfs. Its secrets are taken out of what it prints.
 *
 * @throws KubefileError RUN_FAILED, COMMAND_TIMEOUT, UNSAFE_ARCHIVE, SECRET_MISSING
 */
export async function runStep(step: RunStep, work: RunWork): Promise<void> {
  const values = valuesFor(step, work.secrets);
  const variables = values.flatMap(({ secret: { env }, value }) =>
    env === undefined ? [] : [[env, value.toString()]],
  );
  const command: Command = {
    step,
    values,
    env: { ...step.env, ...Object.fromEntries(variables) },
    hide: hiding(values.map(({ value }) => value)),
  };
  work.phase.log(`$ ${shownCommand(step.command)}`);
  if (work.place.kind === "host") await runOnHost(command, work.place, work);
  else await runInContainer(command, work.place, work);
}

async function runOnHost(command: Command, place: HostRun, { workspace, phase, signal }: RunWork): Promise<void> {
  const { step, env, hide } = command;
  refuseFiles(command);
  await mkdir(place.home, { recursive: true });
  const program = runProgram("sh", ["-c", commandLine(step.command)], {
    cwd: workspace.root,
    env: { ...env, PATH: `${workspace.root}/bin:${place.searchPath}`, HOME: place.home },
    onLine: (line) => phase.log(hide(line)),
    signal,
    timeout: RUN_TIMEOUT,
    allowFailure: true,
    endsChildren: true,
  });
  // A container takes what a step has left running with it. Here that has left the group, and is known by its home.
  const { exitCode, stdout, stderr } = await program.finally(() => endProcesses([{ name: "HOME", value: place.home }]));
  if (exitCode !== 0) throw runError(step, exitCode, hide(stderr.trim() === "" ? stdout : stderr));
  // The host may have left hard links, setuid files or modes of its own: the tree obeys the same rules as a container's.
  const tree = await packTree(workspace.root, { signal });
  await unpackTree(workspace.root, tree, { before: workspace.tree, name: `the rootfs after ${step.shown}`, signal });
}

/** A file of this machine would outlive the step, or be read by others, and one in memory needs a mount. */
function refuseFiles({ values }: Command): void {
  const file = values.find(({ secret }) => secret.target !== undefined)?.secret;
  if (file === undefined) return;
  throw new KubefileError("UNSUPPORTED", `with --run host the secret ${file.id} cannot be a file`, {
    where: file.where,
    hint: `take it from a variable, --mount=type=secret,id=${file.id},env=NAME, or leave out --run host`,
  });
}

async function runInContainer(command: Command, place: ContainerRun, work: RunWork): Promise<void> {
  const { step, env, hide } = command;
  const { workspace, phase, signal } = work;
  await using container = await startRunContainer(command, place, work);
  await container.copyIn(await packTree(workspace.root, { signal }), { signal });
  const { exitCode, output } = await container.exec(commandLine(step.command), {
    env,
    onLine: (line) => phase.log(hide(line)),
    signal,
    timeout: RUN_TIMEOUT,
  });
  if (exitCode !== 0) throw runError(step, exitCode, hide(output));
  await container.copyOut(
    (tar) =>
      unpackTree(workspace.root, tar, { before: workspace.tree, name: `the rootfs after ${step.shown}`, signal }),
    { signal },
  );
}

async function startRunContainer(
  { values }: Command,
  place: ContainerRun,
  { phase, signal }: RunWork,
): Promise<CommandContainer> {
  const secrets = values.flatMap(({ secret: { target, mode }, value }) =>
    target === undefined ? [] : [{ path: target, mode, content: value }],
  );
  return startCommandContainer({
    engine: await place.engine(),
    run: place.run,
    image: place.image,
    network: { kind: "open" },
    path: "full",
    ...(secrets.length === 0 ? {} : { secrets }),
    signal,
    onProgress: (message) => phase.update(message),
  });
}

/** One line for a shell. A script becomes a file beside the rootfs, so that the kernel finds its interpreter. */
function commandLine(command: RunCommand): string {
  if (typeof command === "string") return command;
  if (!("script" in command)) return command.map(shellWord).join(" ");
  const file = '"$kubefile_script"';
  const write = `kubefile_script=$(mktemp) && printf %s ${shellWord(command.script)} >${file} && chmod 700 ${file}`;
  return `${write} && ${file}; set -- $?; rm -f ${file}; exit $1`;
}

function shownCommand(command: RunCommand): string {
  return typeof command !== "string" && "script" in command ? command.script.trimEnd() : commandLine(command);
}

function runError(step: RunStep, exitCode: number, output: string): KubefileError {
  const said = output.trim().split("\n").slice(-6).join("\n");
  return new KubefileError(
    "RUN_FAILED",
    `${step.shown} ended with exit code ${exitCode}${said === "" ? "" : `:\n${said}`}`,
    {
      where: step.where,
      hint:
        exitCode === 127
          ? "the launch container lacks this program: name an image that has it with --run-image, or COPY it into bin/"
          : "RUN runs in the launch container with the rootfs as working directory; its output is above",
    },
  );
}
