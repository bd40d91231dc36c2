import { setTimeout as sleep } from "node:timers/promises";
import type { Engine } from "../cluster/engine.ts";
import { removeRun } from "../cluster/run-removal.ts";
import { readClusterImage } from "../image/read.ts";
import { parseDigest } from "../oci/digest.ts";
import { createArtifactSource } from "../registry/artifact-source.ts";
import { startRegistryServer } from "../registry/server.ts";
import { openStore } from "../store/store.ts";

/** What `kubefile run` leaves for the server of its cluster, in the run's directory. */
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
}

export interface ServeOptions {
  readonly settings: ServeSettings;
  readonly engine: Engine;
  readonly onListening: () => void;
  readonly signal: AbortSignal;
  /** Milliseconds between two looks at whether the cluster is still there. */
  readonly interval: number;
}

/**
 * Answers a kept cluster's pulls from one artifact until the signal aborts, or until somebody has removed the cluster:
 * then what else the run left is removed, too.
 */
export async function serveArtifact({ settings, engine, onListening, signal, interval }: ServeOptions): Promise<void> {
  const store = await openStore(settings.store);
  const image = await readClusterImage(store, parseDigest(settings.digest));
  const server = await startRegistryServer({
    host: settings.address,
    port: settings.port,
    source: createArtifactSource({ store, images: image.config.images }),
    accessHeader: { name: "x-kubefile-run", value: settings.runToken },
  });
  onListening();
  try {
    do {
      await sleep(interval, undefined, { signal }).catch(() => undefined);
    } while (!signal.aborted && (await isThere(engine, settings.node)));
  } finally {
    await server.close();
    await store.close();
  }
  if (!signal.aborted) await removeRun(settings.runId, { engine, stateDirectory: settings.stateDirectory });
}

/** An engine that does not answer is taken for one that is starting again. */
async function isThere(engine: Engine, container: string): Promise<boolean> {
  const asked = await engine
    .docker(["inspect", "--type", "container", "--format", "{{.Id}}", container], { allowFailure: true })
    .catch(() => undefined);
  return asked === undefined || asked.exitCode === 0 || !/no such (?:object|container)/i.test(asked.stderr);
}
