import { once } from "node:events";
import { createServer } from "node:http";
import { expect, test } from "vitest";
import { pruneDirectory } from "../../../src/cache/prune-directory.ts";
import type { Engine } from "../../../src/cluster/engine.ts";
import { assembleClusterImage } from "../../../src/image/assemble.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import { serveArtifact } from "../../../src/pipeline/serve.ts";
import { openStore } from "../../../src/store/store.ts";
import { sampleOptions, sharedLayer, temporaryDirectory } from "../../support/sample-images.ts";

/** Says of every container that it is there. */
const engine: Engine = {
  environment: {},
  docker: async () => ({ exitCode: 0, stdout: "", stderr: "" }),
};

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

test("a kept cluster gets its image after everything else was pruned, although nothing names it", async () => {
  const directory = await temporaryDirectory();
  const store = await openStore(directory);
  const image = await assembleClusterImage(await sampleOptions(store));
  await store.write(Buffer.from("a blob that nothing leads to"));
  await store.close();
  const stop = new AbortController();
  const port = await freePort();
  let announce = (): void => undefined;
  const listening = new Promise<void>((resolve) => {
    announce = resolve;
  });
  const serving = serveArtifact({
    settings: {
      ...{ runId: "0123456789", stateDirectory: directory, store: directory, digest: image.digest },
      ...{ address: "127.0.0.1", port, runToken: "word", node: "node" },
    },
    engine,
    onListening: announce,
    signal: stop.signal,
    interval: 10_000,
  });
  await listening;
  const signal = new AbortController().signal;
  const now = (): Date => new Date();
  const pruned = await pruneDirectory({ directory, name: "it", rule: { all: true }, dryRun: false, now, signal });
  expect(pruned.blobs).toBe(1);
  const get = (path: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}/v2/${path}?ns=docker.io`, { headers: { "x-kubefile-run": "word" } });
  expect((await get("library/redis/manifests/7")).status).toBe(200);
  expect(await (await get(`library/redis/blobs/${digestOf(sharedLayer)}`)).text()).toBe(sharedLayer);
  stop.abort();
  await serving;
  // Its lease has ended with it.
  const after = await pruneDirectory({ directory, name: "it", rule: { all: true }, dryRun: false, now, signal });
  expect(after.blobs).toBeGreaterThan(5);
});
