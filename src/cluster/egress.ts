import { isIPv6 } from "node:net";
import { parse } from "yaml";
import { KubefileError } from "../error.ts";
import type { Engine } from "./engine.ts";
import { kindClusterLabel } from "./run-labels.ts";
import type { Cluster, ClusterNode } from "./types.ts";

export interface EgressOptions {
  readonly engine: Engine;
  readonly cluster: Cluster;
  /** The proxy, the one thing outside that nodes may still reach. */
  readonly allow: { readonly address: string; readonly port: number };
  readonly signal?: AbortSignal | undefined;
}

export interface EgressRules {
  /** Interfaces that lead out of the node. */
  readonly uplinks: readonly string[];
  readonly allow: EgressOptions["allow"];
  /** Addresses of all nodes and of kind's load balancer. */
  readonly peers: readonly string[];
  /** Networks of pods on other nodes; empty for a single node. */
  readonly podSubnets: readonly string[];
}

/**
 * Cuts a cluster off: from now on nodes reach one another and the proxy, pods reach one another and the nodes, and
 * nothing reaches anything else, DNS included. Connections that come in (the host's to the API server) stay.
 *
 * The filter is an nftables table of its own in each node's network namespace. A packet must pass every table, so
 * that neither kube-proxy nor a CNI that accepts packets in its own chains lets anything past it.
 *
 * @throws KubefileError CLUSTER_FAILED when a node's kernel or image has no nftables
 */
export async function cutEgress(options: EgressOptions): Promise<void> {
  const { cluster, engine, signal } = options;
  const single = cluster.nodes.length === 1;
  const peers = single ? cluster.nodes : await clusterPeers(engine, cluster.name, signal);
  const podSubnets = single ? [] : await podNetworks(cluster);
  await Promise.all(
    cluster.nodes.map(async (node) => {
      const rules = egressRules({
        uplinks: await prepareNode(engine, node, peers, signal),
        allow: options.allow,
        peers: peers.map(({ address }) => address),
        podSubnets,
      });
      const applied = await engine.docker(["exec", "--interactive", node.name, "nft", "-f", "-"], {
        input: rules,
        allowFailure: true,
        signal,
      });
      if (applied.exitCode !== 0) {
        throw new KubefileError(
          "CLUSTER_FAILED",
          `the network of node ${node.name} could not be cut: ${applied.stderr.trim()}`,
          { hint: "the node image needs nft and the host's kernel nf_tables, as images of kind v0.27 and later have" },
        );
      }
    }),
  );
}

/**
 * The packet filter of one node, for `nft -f`. It runs after address translation, so that it sees where packets
 * really go: docker's DNS listens on 127.0.0.11 whatever address resolv.conf names.
 */
export function egressRules({ uplinks, allow, peers, podSubnets }: EgressRules): string {
  const family = isIPv6(allow.address) ? "ip6" : "ip";
  const inside = [...peers, ...podSubnets].map(
    (network) => `${isIPv6(network.split("/")[0] ?? "") ? "ip6" : "ip"} daddr ${network} accept`,
  );
  const out = `oifname { ${uplinks.map((name) => JSON.stringify(name)).join(", ")} }`;
  // Only answers: a connection that was opened outwards before the cut ends with it.
  const answers = "ct direction reply ct state established,related accept";
  const chain = (hook: string, rules: readonly string[]): string[] => [
    `  chain ${hook} {`,
    `    type filter hook ${hook} priority 10; policy accept;`,
    ...rules.map((rule) => `    ${rule}`),
    "  }",
  ];
  return [
    // Declared first so that deleting it works the first time too: applying twice is the same as once.
    "table inet kubefile",
    "delete table inet kubefile",
    "table inet kubefile {",
    "  chain refuse {",
    "    meta l4proto tcp reject with tcp reset",
    // As if nothing listened: every resolver takes that for an answer, where it would wait after other refusals.
    "    reject with icmpx type port-unreachable",
    "  }",
    ...chain("input", ["ip daddr 127.0.0.11 goto refuse"]),
    ...chain("output", [
      "ip daddr 127.0.0.11 goto refuse",
      `${family} daddr ${allow.address} tcp dport ${allow.port} accept`,
      ...inside,
      answers,
      `${out} goto refuse`,
    ]),
    ...chain("forward", [...inside, answers, `${out} goto refuse`]),
    "}",
    "",
  ].join("\n");
}

interface Peer {
  readonly name: string;
  readonly address: string;
}

/** All containers of the cluster, kind's load balancer for several control planes included. */
async function clusterPeers(engine: Engine, cluster: string, signal?: AbortSignal): Promise<Peer[]> {
  const filter = ["--filter", `label=${kindClusterLabel}=${cluster}`];
  const { stdout: ids } = await engine.docker(["ps", "--quiet", ...filter], { signal });
  const format = "{{.Name}}\t{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
  const containers = ids.split("\n").filter((id) => id !== "");
  const { stdout } = await engine.docker(["inspect", "--format", format, ...containers], { signal });
  return stdout
    .trim()
    .split("\n")
    .map((line) => line.split("\t"))
    .map(([name = "", address = ""]) => ({ name: name.replace(/^\//, ""), address }));
}

/**
 * Writes the nodes' names to a node's /etc/hosts, as without docker's DNS they know one another by nothing else, and
 * lifts the kernel's limit of one refusal a second: whoever gets none waits for seconds, a launch in each of its pods.
 *
 * @returns the interfaces that lead out: those with the node's own address or a default route
 */
async function prepareNode(
  engine: Engine,
  node: ClusterNode,
  peers: readonly Peer[],
  signal?: AbortSignal,
): Promise<string[]> {
  const script = [
    ...peers.map(({ name, address }) => `grep -qwF '${name}' /etc/hosts || echo '${address} ${name}' >> /etc/hosts`),
    "sysctl -q -w net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0 2>/dev/null || true",
    "ip -o addr show; ip -o route show default; ip -o -6 route show default",
  ];
  const { stdout } = await engine.docker(["exec", node.name, "sh", "-c", script.join("\n")], { signal });
  const uplinks = uplinkInterfaces(stdout, node.address);
  if (uplinks.length > 0) return uplinks;
  throw new KubefileError("CLUSTER_FAILED", `node ${node.name} has no network interface with address ${node.address}`);
}

/** Reads what `ip -o` tells of addresses and default routes. */
export function uplinkInterfaces(text: string, address: string): string[] {
  const names = new Set<string>();
  for (const line of text.split("\n")) {
    const [, name, own] = /^\d+: (\S+)\s+inet6? ([^/\s]+)/.exec(line) ?? [];
    if (name !== undefined && own === address) names.add(name);
    const route = /^default\b.* dev (\S+)/.exec(line)?.[1];
    if (route !== undefined) names.add(route);
  }
  return [...names].sort();
}

/** The networks that kubeadm gave the pods; a CNI that brings its own and more than one node tunnels between nodes. */
async function podNetworks(cluster: Cluster): Promise<string[]> {
  const map = await cluster.api.get<{ readonly data?: Readonly<Record<string, string>> }>(
    "/api/v1/namespaces/kube-system/configmaps/kubeadm-config",
  );
  const configuration: { readonly networking?: { readonly podSubnet?: unknown } } | null = parse(
    map.data?.ClusterConfiguration ?? "",
  );
  const subnets = configuration?.networking?.podSubnet;
  return typeof subnets === "string" ? subnets.split(",") : [];
}
