import { readFile } from "node:fs/promises";
import { KubefileError } from "../error.ts";
import { outputTail } from "../process/output-tail.ts";
import type { Engine } from "./engine.ts";
import { ensureImage } from "./image-presence.ts";
import { withServer } from "./kubeconfig.ts";
import { launchTools } from "./launch-tools.ts";
import { removeContainer } from "./remove-container.ts";
import { labelArguments } from "./run-labels.ts";
import type { Run } from "./run-state.ts";
import { addSecret, type SecretFile, secretMount } from "./secret-files.ts";
import { programFromInput, shellProgram } from "./shell-program.ts";
import type { CommandContainer, ExecOptions } from "./types.ts";

export interface CommandContainerOptions {
  readonly engine: Engine;
  readonly run: Run;
  /** The tools image. */
  readonly image: string;
  /**
   * `open`: the engine's default network, for RUN. `node`: a node's network namespace, for the launch; with the
   * cluster's kubeconfig, which inside names the API server's address in the node.
   */
  readonly network:
    | { readonly kind: "open" }
    | { readonly kind: "node"; readonly node: string; readonly kubeconfig: string };
  /**
   * `full`: the rootfs's `bin/`, then all of the image, unless `env` says otherwise. `minimum`: the rootfs's `bin/`,
   * then only `launchTools`, whatever `env` says.
   */
  readonly path: "full" | "minimum";
  /** Files that lie in memory alone, and go with the container. */
  readonly secrets?: readonly SecretFile[];
  readonly signal: AbortSignal;
  readonly onProgress?: (message: string) => void;
}

export const rootfsDirectory = "/rootfs";
const homeDirectory = "/run/kubefile/home";
const minimumDirectory = "/run/kubefile/bin";
const kubeconfigPath = "/run/kubefile/kubeconfig";
/** Every control-plane node has an API server, and its certificate names the loopback address. */
const apiServerInNode = "https://127.0.0.1:6443";

/** What unpacking and installing as root need inside a container; nothing that reaches out of one. */
const capabilities = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "SETGID", "SETUID", "KILL"];
/** The docker CLI would give these to every container from its config file; a name without a value takes it out. */
const proxyVariables = ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"];
const OUTPUT_KEPT = 1024 * 1024;
const COPY_TIMEOUT = 1_800_000;

/**
 * Starts a container for RUN or launch commands. Nothing of this machine is mounted: the rootfs goes in and comes out
 * as a tar stream, so that remote engines work and the engine's socket, files and variables of the runner stay out.
 *
 * @throws KubefileError RUN_IMAGE_MISSING when the image is neither here nor pullable
 */
export async function startCommandContainer(options: CommandContainerOptions): Promise<CommandContainer> {
  const { engine, network, signal } = options;
  await ensureImage(engine, options.image, {
    missing: "RUN_IMAGE_MISSING",
    hint: "load the tools image into the engine, or name another with --run-image",
    signal,
    onProgress: options.onProgress,
  });
  const imagePath = await pathOfImage(engine, options.image, signal);
  const searchPath = `${rootfsDirectory}/bin:${options.path === "full" ? imagePath : minimumDirectory}`;
  const kubeconfig =
    network.kind === "node" ? withServer(await readFile(network.kubeconfig, "utf8"), apiServerInNode) : undefined;
  const id = await startContainer(options, imagePath);
  const remove = (): Promise<void> => removeContainer(engine, id);
  try {
    const script = setupScript(options.path, kubeconfig !== undefined);
    await engine.docker(["exec", "--interactive", id, "sh", "-c", script], { input: kubeconfig ?? "", signal });
    for (const secret of options.secrets ?? []) await addSecret(engine, id, secret, signal);
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    exec(command, execOptions) {
      const env: Record<string, string> = { PATH: searchPath, ...execOptions.env };
      if (options.path === "minimum") env.PATH = searchPath;
      return execute(engine, id, command, { ...execOptions, env }, remove);
    },
    async copyIn(tar, copyOptions = {}) {
      await engine.docker(["cp", "-", `${id}:${rootfsDirectory}`], {
        input: tar,
        timeout: COPY_TIMEOUT,
        signal: copyOptions.signal,
      });
    },
    async copyOut(consume, copyOptions = {}) {
      await engine.docker(["cp", `${id}:${rootfsDirectory}/.`, "-"], {
        output: (stdout) => consume(stdout),
        timeout: COPY_TIMEOUT,
        signal: copyOptions.signal,
      });
    },
    [Symbol.asyncDispose]: remove,
  };
}

/** Created first and then started, so that one that does not start can be removed by its id. */
async function startContainer(options: CommandContainerOptions, imagePath: string): Promise<string> {
  const { engine, signal } = options;
  signal.throwIfAborted();
  // Neither is aborted: the engine would finish it all the same, after its removal.
  const id = (await engine.docker(["create", ...createArguments(options, imagePath)])).stdout.trim();
  try {
    await engine.docker(["start", id]);
    signal.throwIfAborted();
    return id;
  } catch (error) {
    await removeContainer(engine, id);
    throw error;
  }
}

function createArguments(options: CommandContainerOptions, imagePath: string): string[] {
  const { network } = options;
  return [
    "--init",
    ...labelArguments(options.run),
    ...["--cap-drop", "ALL", ...capabilities.flatMap((capability) => ["--cap-add", capability])],
    ...["--security-opt", "no-new-privileges", "--pids-limit", "4096"],
    ...["--network", network.kind === "open" ? "bridge" : `container:${network.node}`],
    ...(network.kind === "open" ? [] : proxyVariables.flatMap(withoutVariable)),
    ...(options.secrets === undefined ? [] : secretMount),
    ...["--env", `HOME=${homeDirectory}`, "--env", `PATH=${imagePath}`],
    ...(network.kind === "open" ? [] : ["--env", `KUBECONFIG=${kubeconfigPath}`]),
    ...["--user", "0:0", "--workdir", "/", "--entrypoint", "sh"],
    options.image,
    ...["-c", "exec sleep 2147483647"],
  ];
}

function withoutVariable(name: string): string[] {
  return ["--env", name, "--env", name.toLowerCase()];
}

/** Makes the directories, takes a kubeconfig from standard input, and links the minimum's tools into one place. */
function setupScript(path: CommandContainerOptions["path"], withKubeconfig: boolean): string {
  const lines = ["set -ef", `mkdir -p -m 755 ${rootfsDirectory} ${homeDirectory}`, "mkdir -p -m 1777 /tmp"];
  if (withKubeconfig) lines.push(`(umask 077 && cat > ${kubeconfigPath})`);
  if (path === "full") return lines.join("\n");
  return [
    ...lines,
    `mkdir ${minimumDirectory}`,
    // Not `command -v`: a shell that has a tool built in answers with a bare name.
    "find_tool() { for directory in $PATH; do",
    '  if [ -x "$directory/$1" ]; then found="$found:$directory/$1"; return; fi',
    "done; }",
    "found= IFS=:",
    ...launchTools.map((tool) => `find_tool '${tool}'`),
    `ln -s \${found#:} ${minimumDirectory}/`,
  ].join("\n");
}

async function execute(
  engine: Engine,
  id: string,
  command: string,
  options: ExecOptions,
  remove: () => Promise<void>,
): Promise<{ exitCode: number; output: string }> {
  const output = outputTail(OUTPUT_KEPT);
  const directory = options.directory === undefined ? rootfsDirectory : `${rootfsDirectory}/${options.directory}`;
  try {
    const result = await engine.docker(
      ["exec", "--interactive", "--workdir", directory, id, "sh", "-c", programFromInput],
      {
        input: shellProgram(command, options.env ?? {}),
        signal: options.signal,
        timeout: options.timeout,
        allowFailure: true,
        onLine: (line, stream) => {
          output.add(`${line}\n`);
          options.onLine?.(line, stream);
        },
      },
    );
    if (result.exitCode !== 0) await requireRunning(engine, id);
    return { exitCode: result.exitCode, output: output.text() };
  } catch (error) {
    // Ending `docker exec` ends only the client: what it started goes on until its container goes.
    await remove();
    if (!(error instanceof KubefileError) || error.code !== "COMMAND_TIMEOUT") throw error;
    const seconds = Math.round(options.timeout / 1000);
    throw new KubefileError("COMMAND_TIMEOUT", `${JSON.stringify(command)} did not end within ${seconds} s`, {
      cause: error,
    });
  }
}

/**
 * An exit code is the command's own only as long as its container lives: the client ends with one, too, when the engine
 * goes away or a machine without memory ends what runs.
 *
 * @throws KubefileError COMMAND_FAILED
 */
async function requireRunning(engine: Engine, id: string): Promise<void> {
  const { exitCode, stdout, stderr } = await engine.docker(["inspect", "--format", "{{.State.Running}}", id], {
    allowFailure: true,
  });
  if (exitCode === 0 && stdout.trim() === "true") return;
  const why = exitCode === 0 ? "its container has ended" : (stderr.trim().split("\n").at(-1) ?? "");
  throw new KubefileError("COMMAND_FAILED", `the engine cut the command off: ${why}`, {
    hint: "look whether the Docker Engine was restarted, and at this machine's memory, and try again",
  });
}

/** The image's own PATH, which decides where its tools are found. */
async function pathOfImage(engine: Engine, image: string, signal: AbortSignal): Promise<string> {
  const { stdout } = await engine.docker(["image", "inspect", "--format", "{{json .Config.Env}}", image], { signal });
  const env: unknown = JSON.parse(stdout);
  const entry = Array.isArray(env)
    ? env.find((item) => typeof item === "string" && item.startsWith("PATH="))
    : undefined;
  return typeof entry === "string" && entry.length > "PATH=".length
    ? entry.slice("PATH=".length)
    : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}
