import { expect, test } from "vitest";
import type { KubernetesObject } from "../../../src/cluster/types.ts";
import { recordedEvents } from "../../../src/pipeline/cluster-record.ts";

const pod = (namespace: string, name: string, created: string): KubernetesObject => ({
  metadata: { namespace, name, uid: `uid of ${name}`, creationTimestamp: created },
});
const warning = (object: object, reason: string, last: string): KubernetesObject => ({
  metadata: { name: reason, uid: reason },
  ...{ involvedObject: object, reason, message: "why", count: 2, lastTimestamp: last },
});

const web = pod("shop", "web-0", "2026-01-01T00:01:00Z");
const apiServer = pod("kube-system", "kube-apiserver-node", "2026-01-01T00:00:10Z");
const pods = { all: [apiServer, web], launched: [web] };
const about = (kind: string, namespace: string, name: string) => ({ kind, namespace, name, uid: "of the kubelet" });

test("warnings are those about the launch, oldest first", () => {
  const events = [
    warning(about("Pod", "shop", "web-0"), "Unhealthy", "2026-01-01T00:01:30Z"),
    warning(about("Job", "shop", "backup"), "BackoffLimitExceeded", "2026-01-01T00:01:20Z"),
    warning(about("Pod", "shop", "deleted-by-now"), "Failed", "2026-01-01T00:01:10Z"),
    warning({ kind: "Node", name: "node" }, "EvictionThresholdMet", "2026-01-01T00:01:40Z"),
    // Of the cluster: while it came up, and of its own pods.
    warning({ kind: "Node", name: "node" }, "CgroupV1", "2026-01-01T00:00:05Z"),
    warning(about("Pod", "kube-system", "kubefile-canary-0"), "FailedPull", "2026-01-01T00:00:50Z"),
    warning(about("Pod", "kube-system", "kube-apiserver-node"), "ProbeError", "2026-01-01T00:01:35Z"),
  ];
  expect(recordedEvents(events, pods).map(({ object, reason }) => [object, reason])).toEqual([
    ["pod shop/deleted-by-now", "Failed"],
    ["Job shop/backup", "BackoffLimitExceeded"],
    ["pod shop/web-0", "Unhealthy"],
    ["Node node", "EvictionThresholdMet"],
  ]);
});

test("where the launch made no pod, all warnings are told", () => {
  const event = warning({ kind: "Node", name: "node" }, "CgroupV1", "2026-01-01T00:00:05Z");
  expect(recordedEvents([event], { all: [apiServer], launched: [] })).toEqual([
    { object: "Node node", reason: "CgroupV1", message: "why", count: 2 },
  ]);
});
