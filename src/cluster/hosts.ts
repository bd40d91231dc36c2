import { isIPv6 } from "node:net";
import type { Engine } from "./engine.ts";
import type { ClusterNode } from "./types.ts";

/** Where a node finds the proxy, and the word that lets it in. */
export interface ProxyEndpoint {
  readonly address: string;
  readonly port: number;
  /** Random per run; the proxy answers no request without it. */
  readonly runToken: string;
}

export const certsDirectory = "/etc/containerd/certs.d";

/**
 * containerd's registry configuration that sends every pull of a node to the proxy.
 *
 * `server` is what keeps containerd from silently asking the real registry after an error. The empty `[host]` is for
 * containerd before 1.7.32, which ignores a file without one. `referrers` must not be listed: versions that do not
 * know the word ignore the whole file.
 */
export function hostsToml({ address, port, runToken }: ProxyEndpoint): string {
  return [
    `server = "http://${hostAndPort(address, port)}"`,
    'capabilities = ["pull", "resolve"]',
    "[header]",
    `  x-kubefile-run = "${runToken}"`,
    "[host]",
    "",
  ].join("\n");
}

/**
 * Makes the proxy a node's only registry. The whole directory is ours: one stale `docker.io/` beside `_default`
 * would win for that registry. containerd reads the file at each pull, so nothing is restarted.
 */
export async function writeHosts(options: {
  readonly engine: Engine;
  readonly node: ClusterNode;
  readonly endpoint: ProxyEndpoint;
  readonly signal?: AbortSignal | undefined;
}): Promise<void> {
  const script = [
    "set -e",
    `mkdir -p ${certsDirectory}`,
    `find ${certsDirectory} -mindepth 1 -delete`,
    `mkdir ${certsDirectory}/_default`,
    `cat > ${certsDirectory}/_default/hosts.toml`,
  ].join("\n");
  await options.engine.docker(["exec", "-i", options.node.name, "sh", "-c", script], {
    input: hostsToml(options.endpoint),
    signal: options.signal,
  });
}

/** `172.18.0.1:5000`, `[fc00::1]:5000`. */
export function hostAndPort(address: string, port: number): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}
