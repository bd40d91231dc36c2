import { proveProxy } from "../cluster/canary.ts";
import { canaryHost } from "../cluster/canary-host.ts";
import type { Engine } from "../cluster/engine.ts";
import { hostsToml, type ProxyEndpoint } from "../cluster/hosts.ts";
import type { Cluster } from "../cluster/types.ts";
import { KubefileError } from "../error.ts";
import { RegistryError } from "../registry/errors.ts";
import { startRegistryServer } from "../registry/server.ts";
import type { ContentSource, PullEvent } from "../registry/types.ts";
import { unlessAborted } from "../store/wait.ts";
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

/** The first address is the right one nearly always; the others are for engines elsewhere. */
const FIRST_CANARY_TIMEOUT = 30_000;
const NEXT_CANARY_TIMEOUT = 10_000;

/**
 * Starts the embedded registry where the cluster's nodes can reach it, makes it their only registry and proves that it
 * is, before anything is applied. The docker network's gateway comes first; where the engine is elsewhere it is not
 * ours, or another network's of the same number, and this machine's own addresses are tried.
 *
 * @throws KubefileError PROXY_UNREACHABLE
 */
export async function openProxy(host: Host, options: ProxyOptions): Promise<EmbeddedProxy> {
  const failures: KubefileError[] = [];
  for (const [attempt, address] of options.cluster.hostAddresses.entries()) {
    try {
      return await openProxyAt(host, options, address, attempt);
    } catch (error) {
      options.signal.throwIfAborted();
      if (!(error instanceof KubefileError) || error.code !== "PROXY_UNREACHABLE") throw error;
      failures.push(error);
    }
  }
  throw new KubefileError("PROXY_UNREACHABLE", failures.map(({ message }) => message).join("\n"), {
    hint: failures.find(({ hint }) => hint !== undefined)?.hint ?? "the engine's networks must reach this machine",
  });
}

async function openProxyAt(
  host: Host,
  { engine, cluster, source, onPull, signal }: ProxyOptions,
  address: string,
  attempt: number,
): Promise<EmbeddedProxy> {
  const events: PullEvent[] = [];
  const canaries = createCanaryWatch();
  const server = await startRegistryServer({
    host: address,
    source: withoutCanary(source),
    accessHeader: { name: "x-kubefile-run", value: host.runToken },
    onEvent: (event) => {
      if (event.repository?.host === canaryHost) return canaries.saw(event.reference ?? "");
      events.push(event);
      onPull(event);
    },
  });
  try {
    const endpoint = { address, port: server.port, runToken: host.runToken };
    await proveProxy({
      ...{ engine, cluster, signal, addresses: [address], port: server.port, runToken: host.runToken },
      runId: `${host.runId}-${attempt}`,
      seen: canaries.seen,
      timeout: attempt === 0 ? FIRST_CANARY_TIMEOUT : NEXT_CANARY_TIMEOUT,
    });
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

/** That a canary is asked for is all there is to it: nobody is asked in turn, which takes long where names go unanswered. */
function withoutCanary(source: ContentSource): ContentSource {
  return {
    ...source,
    manifest: (repository, reference, options) =>
      repository.host === canaryHost
        ? Promise.reject(new RegistryError(404, "MANIFEST_UNKNOWN", "a canary is no image"))
        : source.manifest(repository, reference, options),
  };
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
      const asked = new Promise<void>((resolve) => {
        waiting.set(tag, resolve);
      });
      await unlessAborted(asked, signal);
    },
  };
}
