import { setTimeout as sleep } from "node:timers/promises";
import { errorMessage, KubefileError } from "../error.ts";
import { canaryHost } from "./canary-host.ts";
import type { Engine } from "./engine.ts";
import { hostAndPort, writeHosts } from "./hosts.ts";
import { createNodePod, deleteNodePod, nodePodsPath } from "./node-pod.ts";
import type { Cluster, ClusterNode, KubernetesApi, KubernetesObject } from "./types.ts";

export interface CanaryOptions {
  readonly engine: Engine;
  readonly cluster: Cluster;
  readonly runId: string;
  /** Where the proxy may be reached, best first. */
  readonly addresses: readonly string[];
  readonly port: number;
  readonly runToken: string;
  /** Resolves when the proxy has been asked for the canary image's manifest by this tag. */
  readonly seen: (tag: string, signal: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
  /** Milliseconds for all addresses together, 30,000 when absent. */
  readonly timeout?: number;
}

/**
 * Points every node at the proxy and proves through CRI, by a Pod on each, that its pulls arrive there: configuration
 * that containerd could not read would silently send them to the real registries. Takes the first address that all
 * nodes reach; the nodes are left configured for it.
 *
 * @returns the address
 * @throws KubefileError PROXY_UNREACHABLE naming node and addresses
 */
export async function proveProxy(options: CanaryOptions): Promise<string> {
  const { addresses, port } = options;
  const share = Math.floor((options.timeout ?? 30_000) / Math.max(addresses.length, 1));
  const failures: NodeFailure[] = [];
  for (const [index, address] of addresses.entries()) {
    const failed = await tryAddress(options, address, `${options.runId}-${index}`, share);
    if (failed.length === 0) return address;
    failures.push(...failed);
  }
  options.signal.throwIfAborted();
  const tried = addresses.map((address) => hostAndPort(address, port)).join(", ") || "no address";
  const told = failures
    .map(({ node, address, said }) => `\n  ${node} to ${hostAndPort(address, port)}: ${said}`)
    .join("");
  const nodes = [...new Set(failures.map(({ node }) => node))].join(", ");
  throw new KubefileError("PROXY_UNREACHABLE", `image pulls of ${nodes} do not reach the proxy at ${tried}${told}`, {
    hint:
      "check that the host's firewall lets the cluster's docker network in, and that the node image's containerd has " +
      'config_path = "/etc/containerd/certs.d" (a --kind-config may have changed it)',
  });
}

interface NodeFailure {
  readonly node: string;
  readonly address: string;
  readonly said: string;
}

async function tryAddress(options: CanaryOptions, address: string, tag: string, time: number): Promise<NodeFailure[]> {
  const { engine, port, runToken } = options;
  const tries = options.cluster.nodes.map(async (node, index): Promise<NodeFailure | undefined> => {
    try {
      await writeHosts({ engine, node, endpoint: { address, port, runToken }, signal: options.signal });
      await pullCanary(options, node, `${tag}-${index}`, time);
      return undefined;
    } catch (error) {
      if (options.signal.aborted) throw error;
      return { node: node.name, address, said: errorMessage(error) };
    }
  });
  return (await Promise.all(tries)).filter((failure) => failure !== undefined);
}

async function pullCanary(options: CanaryOptions, node: ClusterNode, tag: string, time: number): Promise<void> {
  const { api } = options.cluster;
  const done = new AbortController();
  const limit = AbortSignal.timeout(time);
  const signal = AbortSignal.any([options.signal, limit, done.signal]);
  const name = `kubefile-canary-${tag}`;
  try {
    const image = `${canaryHost}/canary:${tag}`;
    await createNodePod(api, { name, node: node.name, hostNetwork: true, image, pullPolicy: "Always" }, signal);
    const refused = pullFailure(api, `${nodePodsPath}?fieldSelector=metadata.name%3D${name}`, signal);
    await Promise.race([options.seen(tag, signal), refused, rejectOnAbort(limit, "no pull arrived in time")]);
  } finally {
    done.abort();
    await deleteNodePod(api, name);
  }
}

/** Rejects with the kubelet's words when the pull has failed and the proxy has had a moment to say that it saw it. */
async function pullFailure(api: KubernetesApi, path: string, signal: AbortSignal): Promise<never> {
  let said: string | undefined;
  const failed = new AbortController();
  await api.watch(
    path,
    ({ object }) => {
      said ??= waitingMessage(object);
      if (said !== undefined) failed.abort();
    },
    AbortSignal.any([signal, failed.signal]),
  );
  await sleep(500, undefined, { signal }).catch(() => undefined);
  throw new Error(said ?? "no pull arrived in time");
}

function waitingMessage(pod: KubernetesObject): string | undefined {
  const status = pod.status as PodStatus | undefined;
  const waiting = status?.containerStatuses?.[0]?.state?.waiting;
  if (waiting?.reason !== "ErrImagePull" && waiting?.reason !== "ImagePullBackOff") return undefined;
  return waiting.message ?? waiting.reason;
}

interface PodStatus {
  readonly containerStatuses?: readonly {
    readonly state?: { readonly waiting?: { readonly reason?: string; readonly message?: string } };
  }[];
}

async function rejectOnAbort(signal: AbortSignal, message: string): Promise<never> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  throw new Error(message);
}
