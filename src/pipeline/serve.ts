import { setTimeout as sleep } from "node:timers/promises";
import type { Engine } from "../cluster/engine.ts";
import { removeAbandonedRun } from "../cluster/run-removal.ts";
import { readRun } from "../cluster/run-state.ts";
import { readClusterImage } from "../image/read.ts";
import { parseDigest } from "../oci/digest.ts";
import { createArtifactSource } from "../registry/artifact-source.ts";
import { startRegistryServer } from "../registry/server.ts";
import { openStore } from "../store/store.ts";
import { type ServedForward, type ServedForwards, serveForwards } from "./served-forwards.ts";

/** What `kubefile run` or a preview that stays leaves for the server of its cluster, in the run's directory. */
export interface ServeSettings {
  readonly runId: string;
  readonly stateDirectory: string;
  readonly store: string;
  readonly digest: string;
  readonly address: string;
  readonly port: number;
  readonly runToken: string;
  /** A container of the cluster; the server ends when it is gone. */
  readonly node: string;
  /** RFC 3339: when it removes the cluster; never when absent. */
  readonly expires?: string;
  /** Of the cluster, for the forwards. */
  readonly kubeconfig?: string;
  readonly forwards?: readonly ServedForward[];
}

export interface ServeOptions {
  readonly settings: ServeSettings;
  readonly engine: Engine;
  /** Hears which ports the forwards got. */
  readonly onListening: (ports: readonly number[]) => void;
  readonly signal: AbortSignal;
  /** Milliseconds between two looks at whether the cluster is still there. */
  readonly interval: number;
}

/**
 * Answers a kept cluster's pulls from one artifact, and carries connections to it, until the signal aborts, until somebody
 * has removed the cluster, or until its time has come: then all that the run left is removed, too.
 */
export async function serveArtifact({ settings, engine, onListening, signal, interval }: ServeOptions): Promise<void> {
  const digest = parseDigest(settings.digest);
  // A cluster may stay for weeks, and its image is all that it needs.
  const store = await openStore(settings.store, { pins: [digest], signal });
  const image = await readClusterImage(store, digest);
  const server = await startRegistryServer({
    host: settings.address,
    port: settings.port,
    source: createArtifactSource({ store, images: image.config.images }),
    accessHeader: { name: "x-kubefile-run", value: settings.runToken },
  });
  const { kubeconfig, forwards = [], expires } = settings;
  const end = expires === undefined ? Number.POSITIVE_INFINITY : Date.parse(expires);
  let served: ServedForwards | undefined;
  try {
    served = kubeconfig === undefined ? undefined : await serveForwards(kubeconfig, forwards, signal);
    onListening(served?.ports ?? []);
    do {
      await sleep(Math.min(interval, Math.max(0, end - Date.now())), undefined, { signal }).catch(() => undefined);
    } while (!signal.aborted && Date.now() < end && (await isThere(engine, settings.node)));
  } finally {
    await served?.close();
    await server.close();
    await store.close();
  }
  const { runId, stateDirectory } = settings;
  if (signal.aborted) return;
  // Without a state file the engine's labels tell what is the run's.
  const recorded = (await readRun(stateDirectory, runId)) !== undefined;
  await removeAbandonedRun({ runId, recorded }, { engine, stateDirectory });
}

/** An engine that does not answer is taken for one that is starting again. */
async function isThere(engine: Engine, container: string): Promise<boolean> {
  const asked = await engine
    .docker(["inspect", "--type", "container", "--format", "{{.Id}}", container], { allowFailure: true })
    .catch(() => undefined);
  return asked === undefined || asked.exitCode === 0 || !/no such (?:object|container)/i.test(asked.stderr);
}
