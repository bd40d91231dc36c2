import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { KubefileError } from "../error.ts";
import type { ProcessIdentity } from "../process/process-identity.ts";
import { run } from "../process/run.ts";
import { apiClient } from "./api-client.ts";
import { nameServer, serverVersion } from "./api-server-access.ts";
import { kindNetworkVariable, removeCluster } from "./cluster-removal.ts";
import type { Engine } from "./engine.ts";
import { addressesForNodes, type EngineElsewhere, placeOfEngine } from "./engine-place.ts";
import { ensureImage } from "./image-presence.ts";
import { kindConfig } from "./kind-config.ts";
import { privilegeRefusal } from "./privileges.ts";
import { kindClusterLabel, labelArguments } from "./run-labels.ts";
import { forgetRun, openRun, type Run, readRun } from "./run-state.ts";
import { serviceSubnet } from "./service-subnet.ts";
import type { Cluster, ClusterNode, ClusterOptions, ClusterProvider, KubernetesApi } from "./types.ts";

export interface KindProviderOptions {
  readonly engine: Engine;
  /** kind's path. */
  readonly kind: string;
  readonly stateDirectory: string;
  /** Whose end makes the cluster abandoned. */
  readonly owner: ProcessIdentity;
}

const CREATE_TIMEOUT = 300_000;

/**
 * Throw-away clusters by kind. The user's kubeconfig and kind's own network are never touched: each run has its own
 * kubeconfig file and its own labelled docker network, recorded in its state file before they are made.
 */
export function kindProvider(provider: KindProviderOptions): ClusterProvider {
  return {
    async create(options) {
      const { runId } = options;
      // A run that is open already has more to look after than the cluster: whoever opened it closes it.
      const isOurs = (await readRun(provider.stateDirectory, runId)) === undefined;
      const run = await openRun({ ...provider, runId });
      const remove = async (interrupted = false): Promise<void> => {
        await removeCluster(runId, provider, interrupted);
        if (isOurs) await forgetRun(provider.stateDirectory, runId);
      };
      try {
        const place = await placeOfEngine(provider.engine, options.signal);
        const remote = place.kind === "elsewhere" ? place : undefined;
        const config = await kindConfigText(options, remote);
        await ensureImage(provider.engine, options.nodeImage, {
          missing: "NODE_IMAGE_MISSING",
          hint: "load it into the engine (`docker pull` or `docker load`), or name another with --node-image",
          signal: options.signal,
          onProgress: options.onProgress,
        });
        return await createCluster(provider, options, { run, config, remove, remote });
      } catch (error) {
        // Half a cluster is of no use to anybody; the abort that ended it must not end its removal.
        await remove(options.signal.aborted).catch(() => undefined);
        throw error;
      }
    },
  };
}

interface Creation {
  readonly run: Run;
  /** kind's configuration. */
  readonly config: string;
  readonly remove: () => Promise<void>;
  /** Where the engine is when it is not here. */
  readonly remote: EngineElsewhere | undefined;
}

async function createCluster(
  provider: KindProviderOptions,
  options: ClusterOptions,
  { run, config, remove, remote }: Creation,
): Promise<Cluster> {
  const { engine } = provider;
  const { signal } = options;
  const { cluster: name, network, kubeconfig, directory } = run.names;
  options.onProgress?.("making the cluster's network");
  const networkOptions = await networkArguments(engine, signal);
  // Not aborted: the engine would finish it all the same, after its removal.
  await engine.docker(["network", "create", ...networkOptions, ...labelArguments(run), network]);
  const gateway = await networkGateway(engine, network, signal);
  const configFile = join(directory, "kind.yaml");
  await writeFile(configFile, config, { mode: 0o600 });
  const hostAddresses = addressesForNodes(remote ?? { kind: "here" }, gateway);
  await runKind(provider, options, run, { configArguments: ["--config", configFile], hostAddresses });
  if (remote !== undefined) await nameServer(kubeconfig, remote.host);
  const api = await apiClient(kubeconfig);
  try {
    const [nodes, version] = await Promise.all([
      clusterNodes(engine, name, signal),
      serverVersion(api, { remote, kubeconfig, signal }),
    ]);
    await waitForNodes(api, nodes, signal);
    return {
      name,
      nodes,
      kubeconfig,
      api,
      hostAddresses,
      kubernetesVersion: version,
      close: () => api.close(),
      async delete() {
        await api.close();
        await remove();
      },
    };
  } catch (error) {
    await api.close();
    throw error;
  }
}

async function runKind(
  provider: KindProviderOptions,
  options: ClusterOptions,
  openedRun: Run,
  {
    configArguments,
    hostAddresses,
  }: { readonly configArguments: readonly string[]; readonly hostAddresses: readonly string[] },
): Promise<void> {
  const { cluster, network, kubeconfig } = openedRun.names;
  const args = [
    ...["create", "cluster", "--name", cluster, "--image", options.nodeImage],
    ...["--kubeconfig", kubeconfig, ...configArguments, "--wait", "0s"],
  ];
  const result = await run(provider.kind, args, {
    env: {
      ...provider.engine.environment,
      [kindNetworkVariable]: network,
      KIND_EXPERIMENTAL_PROVIDER: "docker",
      // The docker CLI gives containers the proxies of its config file: pulls must not take that way round us.
      NO_PROXY: hostAddresses.join(","),
    },
    timeout: CREATE_TIMEOUT,
    signal: options.signal,
    // The engine finishes a node whose making has begun; only its client, if it lives, knows when.
    sparesChildren: true,
    allowFailure: true,
    onLine: (line) => {
      const step = /^ • (.+?)(?:\s*\p{Extended_Pictographic}.*|\s*\.\.\.)?$/u.exec(line)?.[1];
      if (step !== undefined) options.onProgress?.(step);
    },
  });
  if (result.exitCode === 0) return;
  const refusal = privilegeRefusal(result.stderr);
  if (refusal !== undefined) throw refusal;
  throw new KubefileError(
    "CLUSTER_FAILED",
    `kind could not make a cluster of ${options.nodeImage}: ${tail(result.stderr)}`,
    {
      hint: "the last lines above are kind's; `kind create cluster -v 1 --retain` with the same image shows more",
    },
  );
}

/** What of kind's output says why: its error and the end of the failing command's, without the stack trace. */
export function tail(output: string): string {
  const lines = output.split("\n").filter((line) => line.trim() !== "" && !/^ (?:•|✓)|Here be dragons/.test(line));
  const stack = lines.findIndex((line) => line.startsWith("Stack Trace"));
  return (stack === -1 ? lines : lines.slice(0, stack)).slice(-15).join("\n");
}

/** The whole configuration of a cluster: the user's file with ours. @throws KubefileError USAGE */
export async function kindConfigText(
  options: Pick<ClusterOptions, "kindConfig" | "withoutDefaultNetwork">,
  remote?: EngineElsewhere,
): Promise<string> {
  const file = options.kindConfig;
  const { withoutDefaultNetwork } = options;
  const common = { withoutDefaultNetwork, engineHost: remote?.host, serviceSubnet: serviceSubnet() };
  if (file === undefined) return kindConfig(common);
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new KubefileError("USAGE", `the kind config ${file} cannot be read`, {
      hint: "name a file that is there: --kind-config FILE, or kindConfig in kubefile.yaml",
      cause: error,
    });
  });
  return kindConfig({ ...common, user: { text, file } });
}

/** Where the host's network has a smaller MTU, its administrator told the engine so for the default network only. */
async function networkArguments(engine: Engine, signal: AbortSignal): Promise<string[]> {
  const option = "com.docker.network.driver.mtu";
  const format = `{{with index .Options "${option}"}}{{.}}{{end}}`;
  const asked = await engine.docker(["network", "inspect", "bridge", "--format", format], {
    allowFailure: true,
    signal,
  });
  const mtu = asked.stdout.trim();
  return asked.exitCode === 0 && /^\d+$/.test(mtu) ? ["--opt", `${option}=${mtu}`] : [];
}

async function networkGateway(engine: Engine, network: string, signal: AbortSignal): Promise<string | undefined> {
  const format = "{{range .IPAM.Config}}{{.Gateway}}{{end}}";
  const { stdout } = await engine.docker(["network", "inspect", network, "--format", format], { signal });
  const gateway = stdout.trim();
  return gateway === "" ? undefined : gateway;
}

async function clusterNodes(engine: Engine, cluster: string, signal: AbortSignal): Promise<ClusterNode[]> {
  const filter = ["--filter", `label=${kindClusterLabel}=${cluster}`];
  const { stdout: names } = await engine.docker(["ps", ...filter, "--format", "{{.Names}}"], { signal });
  const format =
    '{{.Name}}\t{{index .Config.Labels "io.x-k8s.kind.role"}}\t{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}';
  const inspect = ["inspect", "--format", format, ...names.split("\n").filter((name) => name !== "")];
  const { stdout } = await engine.docker(inspect, { signal });
  const nodes: ClusterNode[] = [];
  for (const line of stdout.trim().split("\n")) {
    const [name = "", role, address = ""] = line.split("\t");
    if (role === "control-plane" || role === "worker") nodes.push({ name: name.replace(/^\//, ""), address, role });
  }
  return nodes.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function waitForNodes(api: KubernetesApi, nodes: readonly ClusterNode[], signal: AbortSignal): Promise<void> {
  const missing = new Set(nodes.map((node) => node.name));
  const seen = new AbortController();
  const limit = AbortSignal.timeout(60_000);
  await api.watch(
    "/api/v1/nodes",
    ({ object }) => {
      missing.delete(object.metadata.name);
      if (missing.size === 0) seen.abort();
    },
    AbortSignal.any([signal, limit, seen.signal]),
  );
  if (signal.aborted) throw new KubefileError("CANCELLED", "cancelled while the cluster was booting");
  if (missing.size > 0) {
    throw new KubefileError("CLUSTER_FAILED", `nodes never registered: ${[...missing].join(", ")}`);
  }
}
