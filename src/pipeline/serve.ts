import { setTimeout as sleep } from "node:timers/promises";
import type { Engine } from "../cluster/engine.ts";
import { readClusterImage } from "../image/read.ts";
import { parseDigest } from "../oci/digest.ts";
import { createArtifactSource } from "../registry/artifact-source.ts";
import { startRegistryServer } from "../registry/server.ts";
import { openStore } from "../store/store.ts";

/** What `kubefile run` leaves for the server of its cluster, in the run's directory. */
export interface ServeSettings {
  readonly store: string;
  readonly digest: string;
  readonly address: string;
  readonly port: number;
  readonly runToken: string;
  /** A container of the cluster; the server ends when it is gone. */
  readonly node: string;
}

const LOOK_AGAIN = 15_000;

/** Answers a kept cluster's pulls from one artifact until the cluster is gone or the signal aborts. */
export async function serveArtifact(options: {
  readonly settings: ServeSettings;
  readonly engine: Engine;
  readonly onListening: () => void;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { settings, engine, signal } = options;
  const store = await openStore(settings.store);
  const image = await readClusterImage(store, parseDigest(settings.digest));
  const server = await startRegistryServer({
    host: settings.address,
    port: settings.port,
    source: createArtifactSource({ store, images: image.config.images }),
    accessHeader: { name: "x-kubefile-run", value: settings.runToken },
  });
  options.onListening();
  try {
    while (!signal.aborted) {
      await sleep(LOOK_AGAIN, undefined, { signal }).catch(() => undefined);
      const node = await engine.docker(["inspect", "--format", "{{.Id}}", settings.node], { allowFailure: true });
      if (/no such object/i.test(node.stderr)) return;
    }
  } finally {
    await server.close();
    await store.close();
  }
}
