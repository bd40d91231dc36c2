import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { docker } from "./docker.ts";
import { toolPath } from "./tool-path.ts";

const NODE_IMAGE = "kindest/node:v1.34.4";
const ARCHIVES = "/kind/archives";
const CREATE_TIMEOUT = 180_000;
const COMMAND_TIMEOUT = 300_000;

export interface CommandOutcome {
  readonly exitCode: number;
  /** What it wrote, to standard output alone. */
  readonly stdout: string;
  readonly stderr: string;
}

/** A cluster of its own on this machine's engine, which plays the one that a runner makes its pods in. */
export interface RunnerCluster {
  /** Of this machine, as pods reach it. */
  readonly address: string;
  readonly name: string;
  /** A directory of its node with the archive that `archive` wrote. */
  readonly archives: string;
  /** Gives pods images of this machine's engine. */
  load(...images: readonly string[]): Promise<void>;
  /** Puts images of this machine's engine into one file of `docker save` on its node. */
  archive(name: string, ...images: readonly string[]): Promise<void>;
  kubectl(args: readonly string[], input?: string): Promise<CommandOutcome>;
  /** Unpacks a directory of this machine in a container of a pod. */
  unpack(directory: string, pod: string, container: string, target: string): Promise<void>;
  stop(): Promise<void>;
}

export async function startRunnerCluster(): Promise<RunnerCluster> {
  const name = `kubefile-runner-${process.pid}`;
  const node = `${name}-control-plane`;
  const directory = await mkdtemp(join(tmpdir(), "kubefile-runner-"));
  const kubeconfig = join(directory, "kubeconfig");
  const kind = await toolPath("kind");
  const run = promisify(execFile);
  const stop = async (): Promise<void> => {
    await run(kind, ["delete", "cluster", "--name", name, "--kubeconfig", kubeconfig], { timeout: COMMAND_TIMEOUT });
    await docker("network", "rm", name).catch(() => "");
    await rm(directory, { recursive: true, force: true });
  };
  const kubectl = ["docker", "exec", "--interactive", node, "kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf"];
  try {
    const address = await createNetwork(name);
    const flags = ["--name", name, "--image", NODE_IMAGE, "--kubeconfig", kubeconfig, "--wait", "90s"];
    const env = { ...process.env, KIND_EXPERIMENTAL_DOCKER_NETWORK: name };
    await run(kind, ["create", "cluster", ...flags], { env, timeout: CREATE_TIMEOUT });
    // For a second after the node is ready, pods are refused for want of it.
    const account = 'until "$@" get serviceaccount default; do sleep 0.2; done';
    await run("bash", ["-c", account, "bash", ...kubectl], { timeout: COMMAND_TIMEOUT });
    return {
      address,
      name,
      archives: ARCHIVES,
      async load(...images) {
        const importing = ["ctr", "--namespace", "k8s.io", "images", "import", "--digests", "-"];
        await pipe(["docker", "save", ...images], ["docker", "exec", "--interactive", node, ...importing]);
      },
      async archive(file, ...images) {
        const write = ["sh", "-c", 'mkdir -p "$1" && cat >"$1/$2"', "sh", ARCHIVES, file];
        await pipe(["docker", "save", ...images], ["docker", "exec", "--interactive", node, ...write]);
      },
      kubectl: (args, input) => runWithInput([...kubectl, ...args], input ?? ""),
      async unpack(source, pod, container, target) {
        const command = ["sh", "-c", 'mkdir -p "$1" && tar -C "$1" -x', "sh", target];
        const exec = ["exec", "--stdin", pod, "--container", container, "--", ...command];
        await pipe(["tar", "-C", source, "-c", "."], [...kubectl, ...exec]);
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * A network for the cluster's node, within none of the ranges that an engine takes networks from: one in a pod takes the
 * same, and this machine would be out of its reach. Returns this machine's address in it.
 */
async function createNetwork(name: string): Promise<string> {
  for (let number = 1; number < 250; number++) {
    const range = `10.216.${number}`;
    const options = ["--subnet", `${range}.0/24`, "--gateway", `${range}.1`];
    try {
      await docker("network", "create", ...options, name);
      return `${range}.1`;
    } catch (error) {
      if (!/overlap/i.test(String(error))) throw error;
    }
  }
  throw new Error("every network that a cluster of a runner may have is taken");
}

async function pipe(from: readonly string[], to: readonly string[]): Promise<void> {
  const script = 'set -o pipefail; "${@:2:$1}" | "${@:$1+2}" >/dev/null';
  const words = [script, "bash", String(from.length), ...from, ...to];
  await promisify(execFile)("bash", ["-c", ...words], { timeout: COMMAND_TIMEOUT });
}

async function runWithInput([program = "", ...args]: readonly string[], input: string): Promise<CommandOutcome> {
  return await new Promise((resolve, reject) => {
    const options = { timeout: COMMAND_TIMEOUT, maxBuffer: 64 * 1024 * 1024 };
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== "number") reject(error);
      else resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr });
    });
    child.stdin?.end(input);
  });
}
