import { startCommandContainer } from "../cluster/command-container.ts";
import type { Engine } from "../cluster/engine.ts";
import type { Run } from "../cluster/run-state.ts";
import type { Cluster, CommandContainer } from "../cluster/types.ts";
import { KubefileError } from "../error.ts";
import { packTree } from "../rootfs/pack-tree.ts";
import type { Host } from "./host.ts";

export interface LaunchContainerOptions {
  readonly engine: Engine;
  readonly run: Run;
  /** Its image. */
  readonly runImage: string;
  readonly signal: AbortSignal;
}

/** Starts the launch container in the control plane's network. It waits for a rootfs, and for its commands. */
export async function startLaunchContainer(
  host: Host,
  cluster: Cluster,
  { engine, run, runImage, signal }: LaunchContainerOptions,
): Promise<CommandContainer> {
  const node = cluster.nodes.find(({ role }) => role === "control-plane");
  if (node === undefined) throw new KubefileError("CLUSTER_FAILED", `cluster ${cluster.name} has no control plane`);
  return host.progress.phase("launch container", (phase) =>
    startCommandContainer({
      engine,
      run,
      image: runImage,
      network: { kind: "node", node: node.name, kubeconfig: cluster.kubeconfig },
      path: "minimum",
      signal,
      onProgress: phase.update,
    }),
  );
}

/** Puts a throw-away copy of a rootfs into the launch container. */
export async function copyRootfs(container: CommandContainer, root: string, signal: AbortSignal): Promise<void> {
  await container.copyIn(await packTree(root, { signal }), { signal });
}
