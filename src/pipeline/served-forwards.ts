import { apiClient } from "../cluster/api-client.ts";
import { readKubeconfig } from "../cluster/kubeconfig.ts";
import { forwardPort, type PortForward } from "../cluster/port-forward.ts";
import { type ForwardTarget, locateTarget } from "./forward-target.ts";

/** A port of a kept cluster that its server listens for. */
export interface ServedForward {
  readonly target: ForwardTarget;
  readonly address: string;
  /** Another one is taken when it is in use. */
  readonly port: number;
}

export interface ServedForwards {
  /** In the order of the forwards. */
  readonly ports: readonly number[];
  close(): Promise<void>;
}

/** Listens for a kept cluster's ports. Pods come and go: which one answers is asked again when a connection fails. */
export async function serveForwards(
  kubeconfig: string,
  forwards: readonly ServedForward[],
  signal: AbortSignal,
): Promise<ServedForwards> {
  const [access, api] = await Promise.all([readKubeconfig(kubeconfig), apiClient(kubeconfig)]);
  const open: PortForward[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(open.map((forward) => forward.close()));
    await api.close();
  };
  try {
    for (const { target, address, port } of forwards) {
      const listen = (at: number): Promise<PortForward> =>
        forwardPort({
          ...{ access, listen: { address, port: at }, signal },
          locate: (signal) => locateTarget(api, target, signal),
          // The client sees its connection closed, and nobody reads what this process says.
          onProblem: () => undefined,
        });
      open.push(await listen(port).catch(() => listen(0)));
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { ports: open.map(({ port }) => port), close };
}
