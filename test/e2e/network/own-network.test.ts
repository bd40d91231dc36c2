import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { BuildReport } from "../../../src/image/report.ts";
import type { Verdict } from "../../../src/pipeline/verify.ts";
import { docker } from "../../support/docker.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { type CommandHome, commandHome, leftovers } from "../../support/kubefile-command.ts";
import { type Internet, startInternet } from "../../support/shop/internet.ts";
import { writeContext } from "../shop/context.ts";

// Two nodes without a pod network, as with disableDefaultCNI on kind's own images: the launch brings one.
const nodeImage = "kubefile-test/bare-node:v1.34.4";

let internet: Internet;
let destination: DockerRegistry;
let home: CommandHome;

beforeAll(async () => {
  [internet, destination, home] = await Promise.all([startInternet(), startDockerRegistry(), commandHome()]);
  const recipe = await writeContext(join(home.directory, "node"), {
    Dockerfile: "FROM kindest/node:v1.34.4\nRUN rm /etc/cni/net.d/*\n",
  });
  await docker("build", "--quiet", "--tag", nodeImage, recipe);
  await writeContext(home.directory, { "app/Kubefile": kubefile, "app/network/network.yaml": network });
  await writeContext(home.directory, { "app/agent.yaml": agent, "kind.yaml": kindConfig });
});

afterAll(async () => {
  await Promise.all([destination?.stop(), internet?.stop(), home?.remove()]);
  await docker("image", "rm", "--force", nodeImage);
});

test("a launch that brings the pod network is captured and verified on every node", async () => {
  const reference = `${destination.host}/demo/agent:1`;
  const mirrors = Object.entries(internet.mirrors).flatMap(([host, url]) => ["--mirror", `${host}=${url}`]);
  const cluster = ["--node-image", nodeImage, "--kind-config", join(home.directory, "kind.yaml")];
  const common = ["--quiet-window", "3s", ...cluster];
  const reportFile = join(home.directory, "report.json");
  const outputs = ["--tag", reference, "--push", "--report", reportFile, "--store", home.store];
  const built = await home.kubefile(["build", ...mirrors, ...common, ...outputs, join(home.directory, "app")]);
  expect(built).toMatchObject({ exitCode: 0 });
  const report: BuildReport = JSON.parse(await readFile(reportFile, "utf8"));
  expect(report).toMatchObject({ grade: "ready", warnings: [] });
  expect(report.images.map((image) => image.reference)).toEqual(["docker.io/shop/tool:1", "quay.io/shop/tool:1"]);

  const store = ["--store", join(home.directory, "empty-store")];
  const verified = await home.kubefile(["verify", ...common, ...store, "--format", "json", reference]);
  const verdict: Verdict = JSON.parse(verified.stdout);
  expect(verdict).toMatchObject({ verdict: "passed", reasons: [], images: 2, pods: 4 });
  expect(await leftovers(home, [...built.runIds, ...verified.runIds])).toEqual([]);
});

const kindConfig = `kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes:
  - role: control-plane
  - role: worker
`;

const kubefile = `FROM scratch
CNI site local://network/
APP agent local://agent.yaml
LAUNCH site agent
`;

/** Writes a configuration of the plugins that every node has. Its pods reach the API server and one another's node. */
const network = `apiVersion: v1
kind: ConfigMap
metadata: {name: site-network, namespace: kube-system}
data:
  10-site.conflist: |
    {"cniVersion": "0.3.1", "name": "site", "plugins": [{"type": "ptp", "ipMasq": true, "ipam": {"type": "host-local",
     "dataDir": "/run/site-network", "routes": [{"dst": "0.0.0.0/0"}], "ranges": [[{"subnet": "10.244.0.0/24"}]]}}]}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: site-network, namespace: kube-system}
spec:
  selector: {matchLabels: {app: site-network}}
  template:
    metadata: {labels: {app: site-network}}
    spec:
      hostNetwork: true
      terminationGracePeriodSeconds: 0
      tolerations: [{operator: Exists}]
      containers:
        - name: install
          image: quay.io/shop/tool:1
          command: [/bin/sh, -c, cp /config/10-site.conflist /cni/ && sleep 2147483647]
          volumeMounts:
            - {name: config, mountPath: /config}
            - {name: cni, mountPath: /cni}
      volumes:
        - {name: config, configMap: {name: site-network}}
        - {name: cni, hostPath: {path: /etc/cni/net.d, type: DirectoryOrCreate}}
`;

const agent = `apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: default}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      terminationGracePeriodSeconds: 0
      tolerations: [{key: node-role.kubernetes.io/control-plane, operator: Exists}]
      containers:
        - {name: main, image: "shop/tool:1", command: [/bin/sleep, "2147483647"]}
`;
