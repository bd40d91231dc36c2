import { KubefileError } from "../error.ts";
import type { Cluster, KubernetesObject } from "./types.ts";

/**
 * Waits until every node of a cluster is Ready: with kind's own network a few seconds after the boot, with a launch's
 * own after the launch has brought it.
 *
 * @throws KubefileError CLUSTER_FAILED naming the nodes that are not, with the kubelet's reason; CANCELLED
 */
export async function waitReady(cluster: Cluster, options: { signal: AbortSignal; timeout: number }): Promise<void> {
  const waiting = new Map(cluster.nodes.map((node) => [node.name, "it has not reported yet"]));
  const done = new AbortController();
  const limit = AbortSignal.timeout(options.timeout);
  await cluster.api.watch(
    "/api/v1/nodes",
    ({ object }) => {
      const reason = notReadyReason(object);
      if (reason === undefined) waiting.delete(object.metadata.name);
      else if (cluster.nodes.some((node) => node.name === object.metadata.name)) {
        waiting.set(object.metadata.name, reason);
      }
      if (waiting.size === 0) done.abort();
    },
    AbortSignal.any([options.signal, limit, done.signal]),
  );
  if (waiting.size === 0) return;
  if (options.signal.aborted) throw new KubefileError("CANCELLED", "cancelled while waiting for the cluster's nodes");
  const told = [...waiting].map(([name, reason]) => `${name}: ${reason}`).join("; ");
  throw new KubefileError("CLUSTER_FAILED", `nodes are not Ready after ${options.timeout / 1000} s: ${told}`);
}

function notReadyReason(node: KubernetesObject): string | undefined {
  const status = node.status as { readonly conditions?: readonly Condition[] } | undefined;
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  if (ready === undefined) return "it has not reported yet";
  return ready.status === "True" ? undefined : (ready.message ?? "Ready is not True");
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly message?: string;
}
