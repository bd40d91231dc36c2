import { expect, test } from "vitest";
import { parse } from "yaml";
import { kindConfig } from "../../../src/cluster/kind-config.ts";

const ours = '[plugins."io.containerd.grpc.v1.cri".registry]\n  config_path = "/etc/containerd/certs.d"\n';

/** The patches of a config as kind reads them. */
function kubeadmPatches(text: string): unknown[] {
  const patches: readonly string[] = parse(text).kubeadmConfigPatches;
  return patches.map((patch) => parse(patch));
}

test("without a user's file: one registry directory, the API server on loopback", () => {
  expect(parse(kindConfig({ withoutDefaultNetwork: false }))).toEqual({
    kind: "Cluster",
    apiVersion: "kind.x-k8s.io/v1alpha4",
    containerdConfigPatches: [ours],
    kubeadmConfigPatches: expect.any(Array),
    networking: { apiServerAddress: "127.0.0.1" },
  });
});

test("a launch that brings its network gets a cluster without one", () => {
  expect(parse(kindConfig({ withoutDefaultNetwork: true })).networking).toEqual({
    apiServerAddress: "127.0.0.1",
    disableDefaultCNI: true,
  });
});

test("where the engine is elsewhere: all of its addresses, a port of its choice, and a certificate with its name", () => {
  const text = kindConfig({ withoutDefaultNetwork: false, engineHost: "docker" });
  expect(parse(text).networking).toEqual({ apiServerAddress: "0.0.0.0", apiServerPort: -1 });
  expect(kubeadmPatches(text)).toContainEqual({
    kind: "ClusterConfiguration",
    apiServer: { certSANs: ["localhost", "127.0.0.1", "docker"] },
  });
});

test("services have the range they are given, unless the user gives one", () => {
  const given = { withoutDefaultNetwork: false, serviceSubnet: "10.112.0.0/16" };
  expect(parse(kindConfig(given)).networking).toMatchObject({ serviceSubnet: "10.112.0.0/16" });
  const text = "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnetworking: { serviceSubnet: 10.9.0.0/16 }\n";
  const config = kindConfig({ ...given, user: { text, file: "kind.yaml" } });
  expect(parse(config).networking).toMatchObject({ serviceSubnet: "10.9.0.0/16" });
});

test("a user's file is kept, except for what the capture depends on", () => {
  const text = `
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
name: mine
nodes: [{ role: control-plane }, { role: worker }]
featureGates: { Some: true }
networking: { podSubnet: 10.1.0.0/16, apiServerAddress: 0.0.0.0, apiServerPort: 6443, kubeProxyMode: ipvs }
containerdConfigPatches: ["[debug]\\n  level = 'debug'"]
`;
  expect(parse(kindConfig({ withoutDefaultNetwork: false, user: { text, file: "kind.yaml" } }))).toEqual({
    kind: "Cluster",
    apiVersion: "kind.x-k8s.io/v1alpha4",
    nodes: [{ role: "control-plane" }, { role: "worker" }],
    featureGates: { Some: true },
    networking: { podSubnet: "10.1.0.0/16", apiServerAddress: "127.0.0.1", kubeProxyMode: "ipvs" },
    containerdConfigPatches: ["[debug]\n  level = 'debug'", ours],
    kubeadmConfigPatches: expect.any(Array),
  });
});

test("controllers start at once, and nodes pull several images at a time", () => {
  expect(kubeadmPatches(kindConfig({ withoutDefaultNetwork: false }))).toEqual([
    {
      kind: "ClusterConfiguration",
      controllerManager: {
        extraArgs: { "leader-elect": "false", "kube-api-qps": "200", "kube-api-burst": "400" },
      },
      scheduler: { extraArgs: { "leader-elect": "false" } },
    },
    { kind: "KubeletConfiguration", serializeImagePulls: false, registryPullQPS: 0 },
  ]);
});

test("several control planes elect a leader, and the user's patches come last", () => {
  const text = `
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes: [{ role: control-plane }, { role: control-plane }, { role: worker }]
kubeadmConfigPatches: ["kind: KubeletConfiguration\\nserializeImagePulls: true"]
`;
  const patches = kubeadmPatches(kindConfig({ withoutDefaultNetwork: false, user: { text, file: "kind.yaml" } }));
  expect(JSON.stringify(patches)).not.toContain("leader-elect");
  expect(patches.at(-1)).toEqual({ kind: "KubeletConfiguration", serializeImagePulls: true });
});

test.each([
  ["a: [", "USAGE", "kind.yaml is not valid YAML"],
  ["kind: Pod\napiVersion: v1", "USAGE", "kind.yaml is not a kind config"],
  ["- 1", "USAGE", "kind.yaml is not a kind config"],
  ["", "USAGE", "kind.yaml is not a kind config"],
  [
    "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnetworking: {ipFamily: dual}",
    "UNSUPPORTED",
    "kind.yaml: networking.ipFamily dual is not supported",
  ],
])("refuses %j", (text, code, message) => {
  expect(() => kindConfig({ withoutDefaultNetwork: false, user: { text, file: "kind.yaml" } })).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(message) }),
  );
});
