import { readFile, writeFile } from "node:fs/promises";
import { KubefileError } from "../error.ts";
import type { EngineElsewhere } from "./engine-place.ts";
import { hostAndPort } from "./hosts.ts";
import { everyAddress } from "./kind-config.ts";
import { readKubeconfig, withServer } from "./kubeconfig.ts";
import type { KubernetesApi } from "./types.ts";

/**
 * The first question to the API server, and so the one that shows whether there is a way to it.
 *
 * @returns `v1.34.4`
 * @throws KubefileError CLUSTER_FAILED when there is none to an engine elsewhere
 */
export async function serverVersion(
  api: KubernetesApi,
  options: {
    readonly remote: EngineElsewhere | undefined;
    readonly kubeconfig: string;
    readonly signal: AbortSignal;
  },
): Promise<string> {
  const { remote, kubeconfig, signal } = options;
  try {
    return (await api.get<{ readonly gitVersion: string }>("/version", { signal })).gitVersion;
  } catch (error) {
    if (remote === undefined || signal.aborted) throw error;
    const { server } = await readKubeconfig(kubeconfig);
    throw new KubefileError("CLUSTER_FAILED", `the cluster's API server at ${server} does not answer`, {
      hint: `ports that the engine of ${remote.host} publishes must be reachable from here (docs/engines.md)`,
      cause: error,
    });
  }
}

/**
 * Writes the name of the engine's host into a kubeconfig of kind's, which has the address that the engine listens on:
 * for all of its own that is 0.0.0.0.
 */
export async function nameServer(kubeconfig: string, host: string): Promise<void> {
  const { server } = await readKubeconfig(kubeconfig);
  const { hostname, port } = new URL(server);
  if (hostname !== everyAddress) return;
  const text = await readFile(kubeconfig, "utf8");
  await writeFile(kubeconfig, withServer(text, `https://${hostAndPort(host, Number(port))}`), { mode: 0o600 });
}
