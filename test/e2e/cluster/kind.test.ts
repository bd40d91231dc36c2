import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { proveProxy } from "../../../src/cluster/canary.ts";
import { startCommandContainer } from "../../../src/cluster/command-container.ts";
import { cutEgress } from "../../../src/cluster/egress.ts";
import {
  type EgressCanary,
  type EgressPlace,
  openEgressCanary,
  probeEgress,
} from "../../../src/cluster/egress-probe.ts";
import type { Engine } from "../../../src/cluster/engine.ts";
import { kindProvider } from "../../../src/cluster/kind.ts";
import { nodeImages, removeImages, runningImages } from "../../../src/cluster/node-images.ts";
import { findAbandonedRuns, removeRun } from "../../../src/cluster/run-removal.ts";
import { openRun, type Run } from "../../../src/cluster/run-state.ts";
import type { Cluster, CommandContainer, WatchEvent } from "../../../src/cluster/types.ts";
import {
  nodeImage,
  ownerProcess,
  randomRunId,
  recordingServer,
  temporaryDirectory,
  testEngine,
  toolsImage,
} from "./machine.ts";

const runId = randomRunId();
const runToken = "0123456789abcdef";
const signal = AbortSignal.timeout(580_000);
const everywhere: readonly EgressPlace[] = ["node", "pod", "host-network pod", "launch container"];

let engine: Engine;
let state: Awaited<ReturnType<typeof temporaryDirectory>>;
let owner: Awaited<ReturnType<typeof ownerProcess>>;
let proxy: Awaited<ReturnType<typeof recordingServer>>;
let cluster: Cluster;
let run: Run;
let launch: CommandContainer;
let canary: EgressCanary;

beforeAll(async () => {
  engine = await testEngine();
  state = await temporaryDirectory();
  owner = await ownerProcess();
  proxy = await recordingServer(runToken);
  const provider = kindProvider({ engine, kind: "kind", stateDirectory: state.path, owner: owner.identity });
  cluster = await provider.create({ runId, nodeImage, withoutDefaultNetwork: false, signal });
  run = await openRun({ stateDirectory: state.path, runId, owner: owner.identity });
});

// The tests go through the life of one cluster, in order: boot, canary, launch container, cut, removal.
afterAll(async () => {
  await canary?.close();
  await proxy?.close();
  await removeRun(runId, { engine, stateDirectory: state.path });
  await state?.remove();
});

describe("a cluster of its own", () => {
  test("has the run's name, one node, the asked version and the network's gateway as first address", async () => {
    expect(cluster.name).toBe(`kubefile-${runId}`);
    expect(cluster.nodes).toMatchObject([{ name: `kubefile-${runId}-control-plane`, role: "control-plane" }]);
    expect(cluster.kubernetesVersion).toBe("v1.34.4");
    const { stdout } = await engine.docker(["network", "inspect", cluster.name, "--format", "{{json .}}"]);
    const network = JSON.parse(stdout);
    expect(network.Labels["kubefile.run"]).toBe(runId);
    expect(cluster.hostAddresses[0]).toBe(network.IPAM.Config[0].Gateway);
  });

  test("answers lists with kinds, and errors with the server's reason", async () => {
    const { items } = await cluster.api.list("/api/v1/namespaces");
    expect(items.map((item) => [item.kind, item.metadata.name])).toContainEqual(["Namespace", "kube-system"]);
    await expect(cluster.api.get("/api/v1/namespaces/none")).rejects.toMatchObject({ status: 404, reason: "NotFound" });
    await expect(cluster.api.create("/api/v1/namespaces", { metadata: { name: "UPPER" } })).rejects.toMatchObject({
      status: 422,
      reason: "Invalid",
    });
  });

  test("watches: what is there, what comes, what changes, what goes", async () => {
    const path = "/api/v1/namespaces/default/configmaps";
    const events: string[] = [];
    const stop = new AbortController();
    let wake: () => void = () => undefined;
    const watching = cluster.api.watch(
      `${path}?labelSelector=watched%3Dyes`,
      (event: WatchEvent) => {
        events.push(`${event.type} ${event.object.metadata.name}`);
        wake();
      },
      AbortSignal.any([signal, stop.signal]),
    );
    const count = async (wanted: number): Promise<void> => {
      while (events.length < wanted)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    };
    for (const name of ["one", "two"]) {
      await cluster.api.create(path, { metadata: { name, labels: { watched: "yes" } } });
    }
    await count(2);
    await cluster.api.delete(`${path}/one`);
    await count(3);
    stop.abort();
    await watching;
    expect(events).toEqual(["ADDED one", "ADDED two", "DELETED one"]);
  });

  test("tells which images its node holds and runs, and forgets one on demand", async () => {
    const [node] = cluster.nodes;
    const before = await nodeImages(engine, node!);
    const names = before.map((image) => image.name);
    expect(names).toContain("registry.k8s.io/kube-apiserver:v1.34.4");
    expect([...(await runningImages(engine, node!))]).toContain("registry.k8s.io/kube-apiserver:v1.34.4");
    const { stdout } = await engine.docker([
      "exec",
      node!.name,
      "ctr",
      "-n",
      "k8s.io",
      "images",
      "tag",
      "registry.k8s.io/kube-apiserver:v1.34.4",
      "example.org/extra:1",
    ]);
    expect(stdout).toContain("example.org/extra:1");
    await removeImages(engine, node!, ["example.org/extra:1", "example.org/never-there:1"]);
    expect((await nodeImages(engine, node!)).map((image) => image.name).sort()).toEqual([...names].sort());
  });
});

describe("the canary", () => {
  test("goes on from an address that does not lead to the proxy to one that does", async () => {
    const gateway = cluster.hostAddresses[0]!;
    const options = { engine, cluster, runId, port: proxy.port, runToken, seen: proxy.seen, signal };
    expect(await proveProxy({ ...options, addresses: ["127.0.0.1", gateway] })).toBe(gateway);
    expect(proxy.requests).toContain(`HEAD /v2/canary/manifests/${runId}-1-0?ns=kubefile.invalid`);
    const pods = await cluster.api.list("/api/v1/namespaces/kube-system/pods");
    expect(
      pods.items.filter(
        (pod) => pod.metadata.name.startsWith("kubefile-canary") && pod.metadata.deletionTimestamp === undefined,
      ),
    ).toEqual([]);
  });

  test("fails when no address leads to the proxy, naming node and address", async () => {
    const options = { engine, cluster, runId: `${runId}-wrong`, port: proxy.port, runToken, seen: proxy.seen, signal };
    const failure = proveProxy({ ...options, addresses: ["127.0.0.1"] });
    await expect(failure).rejects.toMatchObject({ code: "PROXY_UNREACHABLE" });
    await expect(failure).rejects.toThrow(`${cluster.name}-control-plane`);
    await expect(failure).rejects.toThrow(`127.0.0.1:${proxy.port}`);
  });

  test("fails when containerd does not read the registry configuration", async () => {
    const node = cluster.nodes[0]!.name;
    const configure = async (from: string, to: string): Promise<void> => {
      const script = `sed -i 's|${from}|${to}|' /etc/containerd/config.toml && systemctl restart containerd`;
      await engine.docker(["exec", node, "sh", "-c", script]);
    };
    const options = { engine, cluster, port: proxy.port, runToken, seen: proxy.seen, signal };
    const addresses = cluster.hostAddresses.slice(0, 1);
    await configure("/etc/containerd/certs.d", "/etc/containerd/elsewhere");
    try {
      const failure = proveProxy({ ...options, addresses, runId: `${runId}-unread` });
      await expect(failure).rejects.toMatchObject({ code: "PROXY_UNREACHABLE" });
    } finally {
      await configure("/etc/containerd/elsewhere", "/etc/containerd/certs.d");
    }
    expect(await proveProxy({ ...options, addresses, runId: `${runId}-again` })).toBe(addresses[0]);
  });
});

describe("the launch container and the cut", () => {
  test("kubectl reaches the API server from the node's network, with the minimum on PATH and nothing more", async () => {
    launch = await startCommandContainer({
      engine,
      run,
      image: toolsImage,
      network: { kind: "node", node: cluster.nodes[0]!.name, kubeconfig: cluster.kubeconfig },
      path: "minimum",
      signal,
    });
    const exec = (command: string) => launch.exec(command, { signal, timeout: 60_000 });
    expect(await exec("kubectl get nodes --output name")).toEqual({
      exitCode: 0,
      output: `node/${cluster.name}-control-plane\n`,
    });
    expect((await exec("helm list --all-namespaces --short")).exitCode).toBe(0);
    expect(await exec("curl --version")).toMatchObject({ exitCode: 127 });
    expect(await exec("git --version")).toMatchObject({ exitCode: 127 });
  });

  test("before the cut a port and a name outside answer from everywhere", async () => {
    canary = await openEgressCanary({ engine, cluster, address: cluster.hostAddresses[0]! });
    const found = await probeEgress({
      ...{ engine, cluster, places: everywhere, launchContainer: launch, signal },
      canary: { ...canary, dnsName: canary.dnsNames[0] },
    });
    expect(Object.fromEntries(found)).toEqual(
      Object.fromEntries(everywhere.map((place) => [place, { tcp: true, dns: true }])),
    );
  });

  test("after the cut they answer from nowhere, and pulls, API server and pod network still work", async () => {
    const allow = { address: cluster.hostAddresses[0]!, port: proxy.port };
    await cutEgress({ engine, cluster, allow, signal });
    await cutEgress({ engine, cluster, allow, signal });
    const found = await probeEgress({
      ...{ engine, cluster, places: everywhere, launchContainer: launch, signal },
      canary: { ...canary, dnsName: canary.dnsNames[1] },
    });
    expect(Object.fromEntries(found)).toEqual(
      Object.fromEntries(everywhere.map((place) => [place, { tcp: false, dns: false }])),
    );

    const options = { engine, cluster, port: proxy.port, runToken, seen: proxy.seen, signal };
    expect(await proveProxy({ ...options, addresses: [allow.address], runId: `${runId}-cut` })).toBe(allow.address);
    // A pod still reaches a service, and cluster DNS still knows the cluster's names.
    const inPod = [
      `enter="nsenter --net=/proc/$(pgrep --oldest --full ^/coredns)/ns/net"`,
      "$enter timeout 5 bash -c 'exec 3<> /dev/tcp/10.96.0.1/443' && echo service",
      "echo nameserver 10.96.0.10 > /tmp/resolv.conf",
      "$enter unshare --mount sh -c 'mount --bind /tmp/resolv.conf /etc/resolv.conf; getent hosts kubernetes.default.svc.cluster.local'",
    ];
    const { stdout } = await engine.docker(["exec", cluster.nodes[0]!.name, "sh", "-c", inPod.join("\n")]);
    expect(stdout.split(/\s+/)).toEqual(["service", "10.96.0.1", "kubernetes.default.svc.cluster.local", ""]);
    expect((await launch.exec("kubectl get --raw /readyz", { signal, timeout: 30_000 })).output).toBe("ok\n");
    expect(
      (await launch.exec(`getent hosts ${cluster.name}-control-plane || cat /etc/hosts`, { signal, timeout: 30_000 }))
        .output,
    ).toContain(cluster.nodes[0]!.address);
  });

  test("the packet filter survives a launch that flushes iptables", async () => {
    const node = cluster.nodes[0]!.name;
    await engine.docker([
      "exec",
      node,
      "sh",
      "-c",
      "iptables -F; iptables -I OUTPUT -j ACCEPT; iptables -I FORWARD -j ACCEPT",
    ]);
    const found = await probeEgress({
      ...{ engine, cluster, places: ["node", "pod"], signal },
      canary: { ...canary, dnsName: canary.dnsNames[1] },
    });
    expect([...found.values()]).toEqual([
      { tcp: false, dns: false },
      { tcp: false, dns: false },
    ]);
  });
});

describe("removal", () => {
  test("after its owner was killed leaves nothing, however often it is asked for", async () => {
    const options = { engine, stateDirectory: state.path };
    expect((await findAbandonedRuns(options)).filter((found) => found.runId === runId)).toEqual([]);
    const format = "{{range .Mounts}}{{.Name}}{{end}}";
    const volume = (await engine.docker(["inspect", "--format", format, cluster.nodes[0]!.name])).stdout.trim();
    expect(volume).not.toBe("");
    // From here on it is anybody's to remove; that it is found as such, tests show that are alone with the engine.
    await owner.kill();
    await removeRun(runId, options);
    await removeRun(runId, options);
    const containers = await engine.docker(["ps", "--all", "--format", "{{.Names}} {{.Labels}}"]);
    expect(containers.stdout).not.toContain(runId);
    expect((await engine.docker(["network", "ls", "--format", "{{.Name}}"])).stdout).not.toContain(runId);
    const volumes = (await engine.docker(["volume", "ls", "--quiet"])).stdout.split("\n");
    expect(volumes).not.toContain(volume);
    expect(await readdir(state.path)).toEqual([]);
  });
});
