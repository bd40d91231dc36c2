import { mkdir } from "node:fs/promises";
import { startCommandContainer } from "../cluster/command-container.ts";
import type { Engine } from "../cluster/engine.ts";
import type { Run } from "../cluster/run-state.ts";
import type { CommandContainer } from "../cluster/types.ts";
import { KubefileError } from "../error.ts";
import type { RootfsLayer } from "../image/assemble.ts";
import { detectAppType } from "../kubefile/app-type.ts";
import type { IgnoreRules } from "../kubefile/ignore-file.ts";
import { type AppContent, shellWord } from "../plan/launch.ts";
import type { DeclaredApp, Plan, RunCommand, Step } from "../plan/plan.ts";
import { run as runProgram } from "../process/run.ts";
import { copyIntoRootfs } from "../rootfs/copy.ts";
import { packTree } from "../rootfs/pack-tree.ts";
import { unpackTree } from "../rootfs/unpack-tree.ts";
import type { RootfsWorkspace } from "../rootfs/workspace.ts";
import type { Store } from "../store/types.ts";
import type { Phase } from "./progress.ts";

export interface RootfsBuildOptions {
  readonly plan: Plan;
  readonly workspace: RootfsWorkspace;
  readonly store: Store;
  readonly context: string;
  readonly ignore: IgnoreRules;
  /** Where RUN runs; the engine is asked for only when there is a RUN. */
  readonly run: HostRun | ContainerRun;
  readonly sourceDateEpoch: number | undefined;
  readonly phase: Phase;
  readonly signal: AbortSignal;
}

export interface HostRun {
  readonly kind: "host";
  readonly searchPath: string;
  /** Absolute path of a directory of this run: what programs keep at home belongs into no layer. */
  readonly home: string;
}

export interface ContainerRun {
  readonly kind: "container";
  readonly engine: () => Promise<Engine>;
  readonly run: Run;
  readonly image: string;
}

const RUN_TIMEOUT = 3_600_000;

/** Executes every step on the rootfs; each that changes it becomes a layer. */
export async function buildRootfs(options: RootfsBuildOptions): Promise<readonly RootfsLayer[]> {
  const { plan, workspace, store, phase, signal } = options;
  const layers: RootfsLayer[] = [];
  for (const [index, step] of plan.steps.entries()) {
    phase.update(`[${index + 1}/${plan.steps.length}] ${step.shown}`);
    if (step.kind === "copy") await copyStep(step, options);
    else await runStep(step, options);
    const epoch = options.sourceDateEpoch;
    const layer = await workspace.commit(store, { signal, ...(epoch === undefined ? {} : { sourceDateEpoch: epoch }) });
    if (layer !== undefined) layers.push(layer);
  }
  return layers;
}

/** What the finished rootfs holds of each application. */
export function appContents(apps: readonly DeclaredApp[], workspace: RootfsWorkspace): Map<string, AppContent> {
  const paths = [...workspace.tree].filter(([, entry]) => entry.type !== "directory").map(([path]) => path);
  return new Map(
    apps.map((app) => {
      const files = paths
        .filter((path) => path.startsWith(`${app.directory}/`))
        .map((path) => path.slice(app.directory.length + 1));
      return [app.name, { type: detectAppType(files), files: files.sort() }];
    }),
  );
}

async function copyStep(step: Extract<Step, { kind: "copy" }>, options: RootfsBuildOptions): Promise<void> {
  await copyIntoRootfs({
    context: options.context,
    ignore: options.ignore,
    root: options.workspace.root,
    sources: step.sources,
    destination: step.destination,
    ...(step.chmod === undefined ? {} : { chmod: step.chmod }),
    unpackArchives: step.unpack,
    where: step.where,
    signal: options.signal,
  });
}

async function runStep(step: Extract<Step, { kind: "run" }>, options: RootfsBuildOptions): Promise<void> {
  const { workspace, run, signal, phase } = options;
  const command = commandLine(step.command);
  phase.log(`$ ${command}`);
  if (run.kind === "host") {
    await mkdir(run.home, { recursive: true });
    const { exitCode, stdout, stderr } = await runProgram("sh", ["-c", command], {
      cwd: workspace.root,
      env: { ...step.env, PATH: `${workspace.root}/bin:${run.searchPath}`, HOME: run.home },
      onLine: (line) => phase.log(line),
      signal,
      timeout: RUN_TIMEOUT,
      allowFailure: true,
    });
    if (exitCode !== 0) throw runError(step, exitCode, stderr.trim() === "" ? stdout : stderr);
    // The host may have left hard links, setuid files or modes of its own: the tree obeys the same rules as a container's.
    const tree = await packTree(workspace.root, { signal });
    await unpackTree(workspace.root, tree, { before: workspace.tree, name: `the rootfs after ${step.shown}`, signal });
    return;
  }
  await using container = await startRunContainer(run, options);
  await container.copyIn(await packTree(workspace.root, { signal }), { signal });
  const { exitCode, output } = await container.exec(command, {
    env: step.env,
    onLine: (line) => phase.log(line),
    signal,
    timeout: RUN_TIMEOUT,
  });
  if (exitCode !== 0) throw runError(step, exitCode, output);
  await container.copyOut(
    (tar) =>
      unpackTree(workspace.root, tar, { before: workspace.tree, name: `the rootfs after ${step.shown}`, signal }),
    { signal },
  );
}

async function startRunContainer(run: ContainerRun, options: RootfsBuildOptions): Promise<CommandContainer> {
  return startCommandContainer({
    engine: await run.engine(),
    run: run.run,
    image: run.image,
    network: { kind: "open" },
    path: "full",
    signal: options.signal,
    onProgress: (message) => options.phase.update(message),
  });
}

function commandLine(command: RunCommand): string {
  return typeof command === "string" ? command : command.map(shellWord).join(" ");
}

function runError(step: Step, exitCode: number, output: string): KubefileError {
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
