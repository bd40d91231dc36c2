import { setTimeout as sleep } from "node:timers/promises";
import { KubernetesApiError } from "./api-client.ts";
import type { KubernetesApi } from "./types.ts";

/** A Pod of our own on one node, for what only a Pod can prove. */
export interface NodePod {
  readonly name: string;
  readonly node: string;
  readonly hostNetwork: boolean;
  readonly image: string;
  readonly pullPolicy: "Always" | "Never";
}

export const nodePodsPath = "/api/v1/namespaces/kube-system/pods";

/**
 * Creates a Pod that runs whatever the state of the cluster: bound to its node without the scheduler, tolerating
 * every taint, with no token. Waits for the service account that admission asks for and that comes a moment after boot.
 */
export async function createNodePod(api: KubernetesApi, pod: NodePod, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await api.create(nodePodsPath, manifest(pod), { signal });
      return;
    } catch (error) {
      const early =
        error instanceof KubernetesApiError && error.status === 403 && /serviceaccount/i.test(error.message);
      if (!early) throw error;
    }
    await sleep(100, undefined, { signal });
  }
}

/** Removes it at once; one that is not there is no failure. */
export async function deleteNodePod(api: KubernetesApi, name: string): Promise<void> {
  await api.delete(`${nodePodsPath}/${name}?gracePeriodSeconds=0`).catch(() => undefined);
}

function manifest({ name, node, hostNetwork, image, pullPolicy }: NodePod): unknown {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "kube-system" },
    spec: {
      nodeName: node,
      hostNetwork,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      restartPolicy: "Never",
      terminationGracePeriodSeconds: 0,
      tolerations: [{ operator: "Exists" }],
      containers: [{ name: "main", image, imagePullPolicy: pullPolicy }],
    },
  };
}
