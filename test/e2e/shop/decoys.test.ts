import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { proveProxy } from "../../../src/cluster/canary.ts";
import type { Engine } from "../../../src/cluster/engine.ts";
import { certsDirectory } from "../../../src/cluster/hosts.ts";
import { kindProvider } from "../../../src/cluster/kind.ts";
import { createNodePod, nodePodsPath } from "../../../src/cluster/node-pod.ts";
import type { Cluster, ClusterNode } from "../../../src/cluster/types.ts";
import { createCachingProxy } from "../../../src/registry/caching-proxy.ts";
import { type RegistryServer, startRegistryServer } from "../../../src/registry/server.ts";
import { openStore } from "../../../src/store/store.ts";
import type { Store } from "../../../src/store/types.ts";
import { makeCertificate } from "../../support/certificate.ts";
import { type CountingProxy, startCountingProxy } from "../../support/counting-proxy.ts";
import { type FixtureRegistry, startFixtureRegistry } from "../../support/fixture-registry.ts";
import { plainUpstream } from "../../support/plain-upstream.ts";
import { exporter } from "../../support/shop/images.ts";
import { nodeImage, ownerProcess, randomRunId, temporaryDirectory, testEngine } from "../cluster/machine.ts";
import { type Decoys, decoyNames, misleadNode, startDecoys } from "./decoys.ts";

const runId = randomRunId();
const runToken = "the-word-of-this-run";
const signal = AbortSignal.timeout(400_000);
const hosts = Object.keys(decoyNames);

let engine: Engine;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let owner: Awaited<ReturnType<typeof ownerProcess>>;
let cluster: Cluster;
let node: ClusterNode;
let upstream: FixtureRegistry;
let store: Store;
let server: RegistryServer;
/** What stands at the proxy's address: passes everything on to the server, or answers in its place. */
let front: CountingProxy;
let status: number | undefined;
let decoys: Decoys;

beforeAll(async () => {
  [engine, directory, owner, upstream] = await Promise.all([
    testEngine(),
    temporaryDirectory(),
    ownerProcess(),
    startFixtureRegistry(),
  ]);
  const provider = kindProvider({ engine, kind: "kind", stateDirectory: directory.path, owner: owner.identity });
  cluster = await provider.create({ runId, nodeImage, withoutDefaultNetwork: false, signal });
  const [first] = cluster.nodes;
  const [address] = cluster.hostAddresses;
  if (first === undefined || address === undefined) throw new Error("no node, or no way to the host");
  node = first;
  store = await openStore(`${directory.path}/store`);
  const canaries = new Set<string>();
  server = await startRegistryServer({
    host: "127.0.0.1",
    source: createCachingProxy({
      store,
      upstream: plainUpstream(Object.fromEntries(hosts.map((host) => [host, upstream.host]))),
    }),
    accessHeader: { name: "x-kubefile-run", value: runToken },
    onEvent: ({ repository, reference = "" }) => {
      if (repository?.host === "kubefile.invalid") canaries.add(reference);
    },
  });
  const inItsPlace = async () =>
    status === undefined ? undefined : { status, body: '{"errors":[{"code":"UNKNOWN","message":"told to"}]}' };
  front = await startCountingProxy(`${server.address}:${server.port}`, inItsPlace, address);
  const certificate = await makeCertificate(directory.path, Object.values(decoyNames));
  decoys = await startDecoys(address, certificate);
  await misleadNode(engine, node, { address, certificate: certificate.certificate });
  await proveProxy({
    ...{ engine, cluster, runId, runToken, signal },
    addresses: [address],
    port: Number(front.host.split(":")[1]),
    seen: async (tag, stop) => {
      while (!canaries.has(tag)) await sleep(100, undefined, { signal: stop });
    },
  });
});

afterAll(async () => {
  await Promise.all([front?.stop(), decoys?.close(), server?.close(), upstream?.close()]);
  await store?.close();
  await cluster?.delete();
  await owner?.kill();
  await directory?.remove();
});

/** Runs a Pod of each registry's `decoyed/NAME:1`, and waits for what becomes of each: `running`, or why not. */
async function pull(name: string): Promise<readonly string[]> {
  const pods = hosts.map((host) => ({ name: `${name}-${host.replaceAll(/\W/g, "-")}`, host }));
  for (const pod of pods) {
    const image = `${pod.host}/decoyed/${name}:1`;
    const place = { node: node.name, hostNetwork: true, pullPolicy: "Always" } as const;
    await createNodePod(cluster.api, { name: pod.name, image, ...place }, signal);
  }
  return Promise.all(pods.map((pod) => outcome(pod.name)));
}

async function outcome(name: string): Promise<string> {
  for (;;) {
    const pod = await cluster.api.get<StartingPod>(`${nodePodsPath}/${name}`, { signal });
    const { running, waiting } = pod.status?.containerStatuses?.[0]?.state ?? {};
    if (running !== undefined) return "running";
    if (waiting?.reason !== undefined && waiting.reason !== "ContainerCreating") return waiting.reason;
    await sleep(200, undefined, { signal });
  }
}

interface StartingPod {
  readonly status?: {
    readonly containerStatuses?: readonly {
      readonly state?: { readonly running?: unknown; readonly waiting?: { readonly reason?: string } };
    }[];
  };
}

const refused = hosts.map(() => expect.stringMatching(/^(ErrImagePull|ImagePullBackOff|RegistryUnavailable)$/));

describe("registries under the images' real names, which a node would believe", () => {
  test("see nothing of pulls, which all come to the proxy", async () => {
    const image = await exporter();
    upstream.put("decoyed/good", "1", image);
    expect(await pull("good")).toEqual(hosts.map(() => "running"));
    const asked = front.requests.map(({ url }) => url);
    for (const host of hosts) {
      expect(asked).toContain(`/v2/decoyed/good/manifests/1?ns=${encodeURIComponent(host)}`);
    }
    expect(decoys.seen).toEqual([]);
  });

  test.for([404, 500, 502])("see nothing when the proxy answers %i", async (answer) => {
    status = answer;
    front.clear();
    expect(await pull(`refused-${answer}`)).toEqual(refused);
    expect(new Set(front.requests.map((request) => request.status))).toEqual(new Set([answer]));
    expect(decoys.seen).toEqual([]);
  });

  test("see nothing when the proxy is gone", async () => {
    await front.stop();
    expect(await pull("gone")).toEqual(refused);
    expect(decoys.seen).toEqual([]);
  });

  test("are asked at once when the node's configuration is taken away", async () => {
    await engine.docker(["exec", node.name, "rm", "-r", `${certsDirectory}/_default`]);
    expect(await pull("astray")).toEqual(refused);
    for (const [host, name] of Object.entries(decoyNames)) {
      const asked = host.includes(":") ? host : name;
      expect(decoys.seen).toContainEqual(expect.stringMatching(`^${asked} (HEAD|GET) /v2/decoyed/astray/manifests/1`));
    }
  });
});
