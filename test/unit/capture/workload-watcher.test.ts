import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { stringify } from "yaml";
import { takeBaseline } from "../../../src/capture/baseline.ts";
import type { PullSecret } from "../../../src/capture/pull-secret.ts";
import { workloadKinds } from "../../../src/capture/template-of.ts";
import { startWorkloadWatcher } from "../../../src/capture/workload-watcher.ts";
import { apiClient } from "../../../src/cluster/api-client.ts";
import type { KubernetesObject, WatchEvent } from "../../../src/cluster/types.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";
import { recording, replay } from "./recorded.ts";

const temporaryDirectory = temporaryDirectories();
const closing: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const shop = recording("shop");
const broken = recording("broken");

/** Answers lists and watches over HTTP from a recording: first what was there, then, once released, what happened. */
async function recordedApiServer(happened: readonly WatchEvent[]) {
  const watches: { readonly path: string; readonly response: ServerResponse }[] = [];
  let items: readonly KubernetesObject[] = shop.baseline;
  const kindOf = (path: string): string | undefined => workloadKinds.find((kind) => kind.path === path)?.kind;
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://x");
    const path = `${url.pathname}${url.searchParams.get("fieldSelector") ?? ""}`;
    if (url.searchParams.has("watch")) {
      watches.push({ path, response });
      return response.writeHead(200).flushHeaders();
    }
    const listed = path === "/api/v1/nodes" ? shop.nodes : items.filter(({ kind }) => kind === kindOf(path));
    response.end(JSON.stringify({ kind: "List", apiVersion: "v1", metadata: { resourceVersion: "1" }, items: listed }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const file = join(await temporaryDirectory(), "kubeconfig");
  const cluster = { server: `http://127.0.0.1:${address.port}`, "certificate-authority-data": "Y2E=" };
  const user = { "client-certificate-data": "Y2VydA==", "client-key-data": "a2V5" };
  const contexts = [{ name: "x", context: { cluster: "x", user: "x" } }];
  await writeFile(
    file,
    stringify({ "current-context": "x", clusters: [{ name: "x", cluster }], contexts, users: [{ name: "x", user }] }),
  );
  const api = await apiClient(file);
  closing.push(async () => {
    await api.close();
    server.closeAllConnections();
    server.close();
  });
  const send = (path: string, event: unknown): void => {
    for (const watch of watches) if (watch.path === path) watch.response.write(`${JSON.stringify(event)}\n`);
  };
  return {
    api,
    send,
    watching: () => watches.map((watch) => watch.path),
    /** From now on lists hold the launch's objects, as the API server's do before any watch tells of them. */
    applied() {
      items = [...shop.baseline, ...new Map(happened.map(({ object }) => [object.metadata.uid, object])).values()];
    },
    told() {
      for (const event of happened)
        send(workloadKinds.find(({ kind }) => kind === event.object.kind)?.path ?? "", event);
    },
  };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

it("sees over the wire what was recorded, and knows when it has caught up", async () => {
  const server = await recordedApiServer(shop.events);
  const baseline = await takeBaseline(server.api);
  const stop = new AbortController();
  const told: string[] = [];
  const watcher = startWorkloadWatcher(server.api, {
    signal: stop.signal,
    baseline,
    onImage: ({ object, container }) => told.push(`${object.name} ${container}`),
  });
  await until(() => server.watching().length === workloadKinds.length + 2);
  expect(watcher.objects()).toEqual([]);

  server.applied();
  let caughtUp = false;
  const catching = watcher.caughtUp(stop.signal).then(() => {
    caughtUp = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(caughtUp).toBe(false);
  server.told();
  await catching;
  const names = (launch: {
    observations(): readonly { object: { name: string }; image: string }[];
  }): readonly string[] => launch.observations().map(({ object, image }) => `${object.name} ${image}`);
  expect(names(watcher)).toEqual(names(replay(shop)));
  expect(told).toHaveLength(names(watcher).length);

  stop.abort();
  await watcher.done;
  expect(watcher.failure).toBeUndefined();
});

it("keeps the last warnings of an object, a repeated one once", async () => {
  const server = await recordedApiServer([]);
  const stop = new AbortController();
  const watcher = startWorkloadWatcher(server.api, { signal: stop.signal, baseline: await takeBaseline(server.api) });
  await until(() => server.watching().length === workloadKinds.length + 2);
  const [warning] = broken.warnings.filter(({ object }) => object.reason === "FailedScheduling");
  const involved = warning?.object.involvedObject as { uid: string };
  for (const count of [1, 2]) {
    server.send("/api/v1/eventstype=Warning", { ...warning, object: { ...warning?.object, count } });
  }
  await until(() => watcher.warnings(involved.uid)[0]?.count === 2);
  expect(watcher.warnings(involved.uid)).toMatchObject([{ reason: "FailedScheduling", count: 2 }]);
  const pulling = { ...warning?.object, type: "Normal", reason: "Pulling", metadata: { name: "p", uid: "pulling" } };
  server.send("/api/v1/eventsreason=Pulling", { type: "ADDED", object: pulling });
  await until(() => watcher.warnings(involved.uid).length === 2);
  stop.abort();
  await watcher.done;
});

it("hands on pull secrets of both types, and no others", async () => {
  const server = await recordedApiServer([]);
  const stop = new AbortController();
  const secrets: PullSecret[] = [];
  const watcher = startWorkloadWatcher(server.api, {
    signal: stop.signal,
    baseline: await takeBaseline(server.api),
    onPullSecret: (secret) => secrets.push(secret),
  });
  const types = ["kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg"];
  await until(() => server.watching().length === workloadKinds.length + 4);
  const secret = (name: string, data: Record<string, string>): KubernetesObject => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace: "shop", uid: name },
    data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString("base64")])),
  });
  const paths = types.map((type) => `/api/v1/secretstype=${type}`);
  server.send(paths[0] ?? "", { type: "ADDED", object: secret("empty", {}) });
  server.send(paths[0] ?? "", { type: "DELETED", object: secret("gone", { ".dockerconfigjson": "{}" }) });
  server.send(paths[0] ?? "", { type: "ADDED", object: secret("new", { ".dockerconfigjson": '{"auths":{}}' }) });
  server.send(paths[1] ?? "", { type: "ADDED", object: secret("old", { ".dockercfg": '{"r.example":{}}' }) });
  await until(() => secrets.length === 2);
  expect(secrets.toSorted((one, other) => (one.name < other.name ? -1 : 1))).toEqual([
    { namespace: "shop", name: "new", dockerConfigJson: '{"auths":{}}' },
    { namespace: "shop", name: "old", dockerConfigJson: '{"auths":{"r.example":{}}}' },
  ]);
  stop.abort();
  await watcher.done;
});
