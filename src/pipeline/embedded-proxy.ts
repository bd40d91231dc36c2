import { proveProxy } from "../cluster/canary.ts";
import type { Engine } from "../cluster/engine.ts";
import { hostsToml, type ProxyEndpoint } from "../cluster/hosts.ts";
import type { Cluster } from "../cluster/types.ts";
import { errorMessage, KubefileError } from "../error.ts";
import { type RegistryServer, startRegistryServer } from "../registry/server.ts";
import type { ContentSource, PullEvent } from "../registry/types.ts";
import type { Host } from "./host.ts";

/** The registry of this process, as the nodes of one cluster use it. */
export interface EmbeddedProxy {
  readonly endpoint: ProxyEndpoint;
  /** Everything that nodes asked for so far, canaries excepted. */
  readonly events: readonly PullEvent[];
  /** The nodes' configuration, without the word that lets them in. */
  readonly hostsToml: string;
  close(): Promise<void>;
}

export interface ProxyOptions {
  readonly engine: Engine;
  readonly cluster: Cluster;
  readonly source: ContentSource;
  readonly onPull: (event: PullEvent) => void;
  readonly signal: AbortSignal;
}

const canaryHost = "kubefile.invalid";

/**
 * Starts the embedded registry where the cluster's nodes can reach it, makes it their only registry and proves that it
 * is, before anything is applied.
 *
 * @throws KubefileError PROXY_UNREACHABLE
 */
export async function openProxy(host: Host, options: ProxyOptions): Promise<EmbeddedProxy> {
  const { engine, cluster, signal } = options;
  const events: PullEvent[] = [];
  const canaries = createCanaryWatch();
  const server = await listen(cluster.hostAddresses, {
    source: options.source,
    accessHeader: { name: "x-kubefile-run", value: host.runToken },
    onEvent: (event: PullEvent) => {
      if (event.repository?.host === canaryHost) return canaries.saw(event.reference ?? "");
      events.push(event);
      options.onPull(event);
    },
  });
  try {
    const address = await proveProxy({
      engine,
      cluster,
      runId: host.runId,
      addresses: [server.address],
      port: server.port,
      runToken: host.runToken,
      seen: canaries.seen,
      signal,
    });
    const endpoint = { address, port: server.port, runToken: host.runToken };
    return {
      endpoint,
      events,
      hostsToml: hostsToml({ ...endpoint, runToken: "***" }),
      close: () => server.close(),
    };
  } catch (error) {
    await server.close();
    throw error;
  }
}

/** Binds to the first address that is ours: the docker network's gateway, unless the engine is elsewhere. */
async function listen(
  addresses: readonly string[],
  options: Omit<Parameters<typeof startRegistryServer>[0], "host">,
): Promise<RegistryServer> {
  const problems: string[] = [];
  for (const address of addresses) {
    try {
      return await startRegistryServer({ ...options, host: address });
    } catch (error) {
      problems.push(`${address}: ${errorMessage(error)}`);
    }
  }
  throw new KubefileError("PROXY_UNREACHABLE", `the embedded registry could listen nowhere: ${problems.join("; ")}`, {
    hint: "the Docker Engine's networks must be reachable from this machine",
  });
}

/** Canary pulls may arrive before or after somebody waits for them. */
function createCanaryWatch(): {
  saw(tag: string): void;
  seen(tag: string, signal: AbortSignal): Promise<void>;
} {
  const arrived = new Set<string>();
  const waiting = new Map<string, () => void>();
  return {
    saw(tag) {
      arrived.add(tag);
      waiting.get(tag)?.();
    },
    async seen(tag, signal) {
      if (arrived.has(tag)) return;
      await new Promise<void>((resolve, reject) => {
        waiting.set(tag, resolve);
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      });
    },
  };
}
