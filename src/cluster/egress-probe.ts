import { once } from "node:events";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { KubefileError } from "../error.ts";
import type { Engine } from "./engine.ts";
import { hostAndPort } from "./hosts.ts";
import { nodeImages } from "./node-images.ts";
import { createNodePod, deleteNodePod, nodePodsPath } from "./node-pod.ts";
import type { Cluster, ClusterNode, CommandContainer } from "./types.ts";

export type EgressPlace = "node" | "pod" | "host-network pod" | "launch container";

/** What answers from a place: a TCP port on the host, and a name that the engine's DNS knows. */
export interface Reachability {
  readonly tcp: boolean;
  readonly dns: boolean;
}

/** Something outside the cluster that answers while it is not cut off. */
export interface EgressCanary {
  readonly address: string;
  readonly port: number;
  /** A name for each of two probes: cluster DNS would answer the same name again from its cache. */
  readonly dnsNames: readonly [string, string];
  close(): Promise<void>;
}

export interface ProbeOptions {
  readonly engine: Engine;
  readonly cluster: Cluster;
  readonly canary: { readonly address: string; readonly port: number; readonly dnsName: string };
  /** Without a pod network, `pod` cannot be asked. */
  readonly places: readonly EgressPlace[];
  /** For the place `launch container`. */
  readonly launchContainer?: CommandContainer;
  readonly signal: AbortSignal;
}

/** Opens a port on the host, by an address that nodes reach, and finds two names that the engine's DNS resolves. */
export async function openEgressCanary(options: {
  readonly engine: Engine;
  readonly cluster: Cluster;
  /** Of the host, as the nodes see it. */
  readonly address: string;
  /** What to listen on when the engine is elsewhere and the address is not ours. */
  readonly listen?: string;
}): Promise<EgressCanary> {
  const node = options.cluster.nodes[0]?.name ?? "";
  const { stdout } = await options.engine.docker(["inspect", "--format", "{{slice .Id 0 12}}", node]);
  const server = createServer((_request, response) => response.end("{}\n"));
  server.listen(0, options.listen ?? options.address);
  await once(server, "listening");
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new KubefileError("INTERNAL", "the canary has no port");
  return {
    address: options.address,
    port: bound.port,
    // The engine's DNS knows a container by its short id too, and by both with the network's name behind it.
    dnsNames: [stdout.trim(), `${stdout.trim()}.${options.cluster.name}`],
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/**
 * Asks from each place, on every node, whether the outside answers. Pods are real ones, of the pause image that every
 * node has; the questions are put from within their network namespaces.
 *
 * @returns answers by place, with the node's name where there are several nodes
 */
export async function probeEgress(options: ProbeOptions): Promise<ReadonlyMap<string, Reachability>> {
  const { nodes } = options.cluster;
  const probes = options.places.flatMap((place) => {
    if (place === "launch container") return [{ name: place, ask: askFromLaunchContainer(options) }];
    return nodes.map((node) => ({
      name: nodes.length === 1 ? place : `${place} on ${node.name}`,
      ask: place === "node" ? askFromNode(options, node) : askFromPod(options, node, place === "host-network pod"),
    }));
  });
  return new Map(await Promise.all(probes.map(async ({ name, ask }) => [name, await ask] as const)));
}

const tcpScript = 'exec 3<> "/dev/tcp/$1/$2"';
const dnsScript = 'getent ahostsv4 "$1"';
/** The same through a nameserver of choice, for one process. */
const dnsThroughScript = [
  `file=$(mktemp) && trap 'rm -f "$file"' EXIT`,
  `printf 'nameserver %s\\noptions timeout:2 attempts:1\\n' "$2" > "$file"`,
  `unshare --mount sh -c 'mount --bind "$1" /etc/resolv.conf && getent ahostsv4 "$2"' sh "$file" "$1"`,
].join("\n");

/** Asks with bash and getent, which every node image has; `prefix` enters another network namespace first. */
async function askFromNode(
  { engine, canary, signal }: ProbeOptions,
  node: ClusterNode,
  prefix: readonly string[] = [],
  nameservers: readonly string[] = [],
): Promise<Reachability> {
  const ask = async (script: string, ...args: readonly string[]): Promise<boolean> => {
    const command = ["exec", node.name, ...prefix, "timeout", "10", "bash", "-c", script, "probe", ...args];
    return (await engine.docker(command, { allowFailure: true, signal })).exitCode === 0;
  };
  const [tcp, ...dns] = await Promise.all([
    ask(tcpScript, canary.address, String(canary.port)),
    ask(dnsScript, canary.dnsName),
    // Each nameserver by itself: what one refuses, another may answer.
    ...nameservers.map((server) => ask(dnsThroughScript, canary.dnsName, server)),
  ]);
  return { tcp, dns: dns.includes(true) };
}

async function askFromPod(options: ProbeOptions, node: ClusterNode, hostNetwork: boolean): Promise<Reachability> {
  const { api } = options.cluster;
  const name = `kubefile-probe-${hostNetwork ? "host" : "pod"}-${options.cluster.nodes.indexOf(node)}`;
  const image = await pauseImage(options.engine, node);
  try {
    await createNodePod(api, { name, node: node.name, hostNetwork, image, pullPolicy: "Never" }, options.signal);
    const pid = await containerProcess(options.engine, node, await runningContainer(options, name));
    const service = await api.get<{ readonly spec?: { readonly clusterIP?: string } }>(
      "/api/v1/namespaces/kube-system/services/kube-dns",
    );
    const clusterDns = service.spec?.clusterIP;
    const prefix = ["nsenter", `--net=/proc/${pid}/ns/net`];
    return await askFromNode(options, node, prefix, clusterDns === undefined ? [] : [clusterDns]);
  } finally {
    await deleteNodePod(api, name);
    await podGone(options, name);
  }
}

/** An image that needs no pull and does nothing but hold a network namespace. */
async function pauseImage(engine: Engine, node: ClusterNode): Promise<string> {
  const pause = (await nodeImages(engine, node)).find((image) => /\/pause:[^@]+$/.test(image.name));
  if (pause === undefined) throw new KubefileError("CLUSTER_FAILED", `node ${node.name} holds no pause image`);
  return pause.name;
}

async function containerProcess(engine: Engine, node: ClusterNode, container: string): Promise<string> {
  const { stdout } = await engine.docker(["exec", node.name, "ctr", "--namespace", "k8s.io", "tasks", "ls"]);
  const tasks = stdout.split("\n").map((line) => line.trim().split(/\s+/));
  const pid = tasks.find(([id]) => id === container)?.[1];
  if (pid === undefined) throw new KubefileError("CLUSTER_FAILED", `container ${container} has no process`);
  return pid;
}

async function runningContainer(options: ProbeOptions, name: string): Promise<string> {
  const deadline = AbortSignal.any([options.signal, AbortSignal.timeout(60_000)]);
  while (!deadline.aborted) {
    const pod = await options.cluster.api.get<RunningPod>(`${nodePodsPath}/${name}`, { signal: options.signal });
    const status = pod.status?.containerStatuses?.[0];
    if (status?.state?.running !== undefined) return (status.containerID ?? "").replace("containerd://", "");
    await sleep(100);
  }
  options.signal.throwIfAborted();
  throw new KubefileError("CLUSTER_FAILED", `the probe pod ${name} did not start within 60 s`, {
    hint: "a cluster without a pod network can be probed from the node only",
  });
}

interface RunningPod {
  readonly status?: {
    readonly containerStatuses?: readonly {
      readonly containerID?: string;
      readonly state?: { readonly running?: unknown };
    }[];
  };
}

async function podGone(options: ProbeOptions, name: string): Promise<void> {
  for (let tries = 0; tries < 100 && !options.signal.aborted; tries += 1) {
    const found = await options.cluster.api.get(`${nodePodsPath}/${name}`).catch(() => undefined);
    if (found === undefined) return;
    await sleep(100);
  }
}

/** kubectl is the one network client that every launch container has; the canary answers its plain GET. */
async function askFromLaunchContainer(options: ProbeOptions): Promise<Reachability> {
  const { canary, launchContainer, signal } = options;
  if (launchContainer === undefined) throw new KubefileError("INTERNAL", "no launch container to probe from");
  const ask = async (host: string): Promise<{ exitCode: number; output: string }> =>
    await launchContainer.exec(
      `KUBECONFIG=/dev/null kubectl --request-timeout=5s --server=http://${hostAndPort(host, canary.port)} get --raw /`,
      { signal, timeout: 20_000 },
    );
  const [byAddress, byName] = await Promise.all([ask(canary.address), ask(canary.dnsName)]);
  // The name leads to a node, where nothing listens: refused means that it was resolved.
  const unresolved = /lookup |no such host|server misbehaving|name resolution/i.test(byName.output);
  return { tcp: byAddress.exitCode === 0, dns: !unresolved };
}
