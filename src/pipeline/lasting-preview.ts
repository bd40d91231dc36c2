import { createHash } from "node:crypto";
import type { Engine } from "../cluster/engine.ts";
import { runMark, runVariable } from "../cluster/run-labels.ts";
import { findRuns, removeAbandonedRun } from "../cluster/run-removal.ts";
import type { LastingRun, Run } from "../cluster/run-state.ts";
import { KubefileError } from "../error.ts";
import type { ArtifactCluster } from "./artifact-cluster.ts";
import { startArtifactServer } from "./artifact-server.ts";
import type { ForwardTarget } from "./forward-target.ts";
import type { Host } from "./host.ts";
import type { LastingPreview } from "./preview-verdict.ts";

/** A preview whose cluster stays for a time. */
export interface LastingOptions extends LastingRun {
  /** The same for every preview of one name in one project, so that the next one finds it. */
  readonly runId: string;
  /** By what name or address others reach this machine; undefined when nobody else shall. */
  readonly reachedAt: string | undefined;
  /** Starts `kubefile serve` for a run's directory, apart from this process. */
  readonly serveCommand: (runDirectory: string) => readonly [string, ...string[]];
}

/** The machine as the run of the cluster sees it: what it makes has that run's name. */
export function hostOfRun(host: Host, runId: string): Host {
  const mark = runMark(runId, host.owner);
  return { ...host, runId, engineEnvironment: { ...host.engineEnvironment, [runVariable]: mark } };
}

/**
 * Removes the preview whose place another one is about to take.
 *
 * @throws KubefileError USAGE when it is being made right now, or when that name is something else's
 */
export async function makeRoom(host: Host, engine: Engine, { runId, name }: LastingOptions): Promise<void> {
  const options = { engine, stateDirectory: host.directories.state, signal: host.signal };
  const found = (await findRuns(options)).find((run) => run.runId === runId);
  if (found === undefined) return;
  if (found.owner === "alive") {
    throw new KubefileError("USAGE", `preview ${name} is being made by another process`, {
      hint: "let the CI system cancel the older run of a request when a newer one begins",
    });
  }
  if (found.keep && found.lasting === undefined) {
    throw new KubefileError("USAGE", `${runId} is a cluster that somebody keeps`, { hint: "choose another --name" });
  }
  await host.progress.phase(`replace preview ${name}`, () => removeAbandonedRun(found, options));
}

/** Leaves the cluster with a process that answers its pulls and carries connections to it, until its time has come. */
export async function leavePreview(
  host: Host,
  engine: Engine,
  left: {
    readonly run: Run;
    readonly prepared: ArtifactCluster;
    readonly store: string;
    readonly targets: readonly ForwardTarget[];
    readonly lasting: LastingOptions;
  },
): Promise<LastingPreview> {
  const { run, prepared, store, targets, lasting } = left;
  const { cluster, image, proxy } = prepared;
  const { runId, name, expires, reachedAt } = lasting;
  const address = reachedAt === undefined ? "127.0.0.1" : "0.0.0.0";
  const ports = await startArtifactServer({
    run,
    settings: {
      ...{ runId, store, stateDirectory: host.directories.state, digest: image.digest, ...proxy.endpoint },
      node: await nodeId(engine, cluster.nodes[0]?.name ?? "", host.signal),
      ...{ expires, kubeconfig: cluster.kubeconfig },
      forwards: targets.map((target) => ({ target, address, port: usualPort(runId, target) })),
    },
    command: lasting.serveCommand,
    environment: host.engineEnvironment,
  });
  const addresses = targets.map(({ shown }, position) => {
    return { target: shown, url: `http://${reachedAt ?? address}:${ports[position] ?? 0}` };
  });
  return { name, expires, addresses };
}

/** A node of the next preview has the same name. */
async function nodeId(engine: Engine, name: string, signal: AbortSignal): Promise<string> {
  const { stdout } = await engine.docker(["inspect", "--type", "container", "--format", "{{.Id}}", name], { signal });
  return stdout.trim();
}

/** The same for every push to a request, when it is free, so that an open page can be loaded again. Below those that systems give out. */
function usualPort(runId: string, { shown }: ForwardTarget): number {
  const hash = createHash("sha256").update(`${runId} ${shown}`).digest();
  return 20_000 + (hash.readUInt32BE() % 10_000);
}
