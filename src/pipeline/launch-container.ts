import { startCommandContainer } from "../cluster/command-container.ts";
import type { Engine } from "../cluster/engine.ts";
import type { Run } from "../cluster/run-state.ts";
import type { Cluster, CommandContainer } from "../cluster/types.ts";
import { KubefileError } from "../error.ts";
import { packTree } from "../rootfs/pack-tree.ts";
import type { Phase } from "./progress.ts";

/** Starts the launch container in the control plane's network, with a throw-away copy of the rootfs. */
export async function startLaunchContainer(options: {
  readonly engine: Engine;
  readonly run: Run;
  readonly image: string;
  readonly cluster: Cluster;
  /** Absolute path of the rootfs. */
  readonly root: string;
  readonly phase: Phase;
  readonly signal: AbortSignal;
}): Promise<CommandContainer> {
  const { engine, run, image, cluster, root, phase, signal } = options;
  const node = cluster.nodes.find(({ role }) => role === "control-plane");
  if (node === undefined) throw new KubefileError("CLUSTER_FAILED", `cluster ${cluster.name} has no control plane`);
  const container = await startCommandContainer({
    engine,
    run,
    image,
    network: { kind: "node", node: node.name, kubeconfig: cluster.kubeconfig },
    path: "minimum",
    signal,
    onProgress: phase.update,
  });
  try {
    await container.copyIn(await packTree(root, { signal }), { signal });
    return container;
  } catch (error) {
    await container[Symbol.asyncDispose]();
    throw error;
  }
}
