import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { baselineOf } from "../../../src/capture/baseline.ts";
import { createLaunchObjects } from "../../../src/capture/launch-objects.ts";
import type { ImageObservation } from "../../../src/capture/observation.ts";
import { formatObject } from "../../../src/capture/owners.ts";
import { containerText } from "../../../src/capture/pod-spec.ts";
import type { KubernetesObject } from "../../../src/cluster/types.ts";
import { baselineOfRecording, contentDigest, interleave, recording, replay, startTime } from "./recorded.ts";
import { placeholder, rollOut } from "./roll-out.ts";

const shop = recording("shop");

function line(seen: ImageObservation): string {
  const idle = seen.idle === undefined ? "" : ` (${seen.idle})`;
  const owners = seen.owners.map((owner) => ` < ${owner.kind} ${owner.name}`).join("");
  return `${formatObject(seen.object)} ${containerText(seen)}: ${seen.reference}${idle}${owners}`;
}

describe("the launch's objects", () => {
  it("are told with every image, owner and reason to be idle", () => {
    expect(replay(shop).observations().map(line)).toEqual(
      [
        "CronJob shop/report container main: quay.io/shop/report:1 (not run during the rehearsal)",
        "CronJob shop/tick container main: quay.io/shop/report:1 (not run during the rehearsal)",
        "DaemonSet shop/gpu container agent: quay.io/shop/agent:1 (selects no node)",
        "Deployment shop/op container op: quay.io/shop/op:1 (not run during the rehearsal)",
        "Deployment shop/web init container wait: ghcr.io/shop/init:1 (not run during the rehearsal)",
        "Deployment shop/web container app: docker.io/shop/web:1 (not run during the rehearsal)",
        "Job shop/migrate container main: quay.io/shop/migrate:1 (not run during the rehearsal)",
        "Job shop/tick-29921050 container main: quay.io/shop/report:1 (not run during the rehearsal) < CronJob tick",
        "Job shop/tick-29921051 container main: quay.io/shop/report:1 (not run during the rehearsal) < CronJob tick",
        `pod shop/db-0 container db: ghcr.io/shop/db:1@${contentDigest} < StatefulSet db`,
        `pod shop/db-1 container db: ghcr.io/shop/db:1@${contentDigest} < StatefulSet db`,
        "pod shop/loose container loose: ghcr.io/shop/hidden:1",
        "pod shop/main-backend container backend: ghcr.io/shop/hidden:1 < Shop main",
        "pod shop/migrate-q9zrh container main: quay.io/shop/migrate:1 < Job migrate",
        "pod shop/old-bs52q container pause: registry.k8s.io/pause:3.10 < ReplicationController old",
        "pod shop/op-857fbfdbbf-vm7kk container op: quay.io/shop/op:1 < ReplicaSet op-857fbfdbbf < Deployment op",
        "pod shop/tick-29921050-gjgzq container main: quay.io/shop/report:1 < Job tick-29921050 < CronJob tick",
        "pod shop/tick-29921051-spxtm container main: quay.io/shop/report:1 < Job tick-29921051 < CronJob tick",
        "pod shop/web-985d559f7-m8665 init container wait: ghcr.io/shop/init:1 < ReplicaSet web-985d559f7 < Deployment web",
        "pod shop/web-985d559f7-m8665 container app: docker.io/shop/web:1 < ReplicaSet web-985d559f7 < Deployment web",
        "pod shop/web-985d559f7-rbw4x init container wait: ghcr.io/shop/init:1 < ReplicaSet web-985d559f7 < Deployment web",
        "pod shop/web-985d559f7-rbw4x container app: docker.io/shop/web:1 < ReplicaSet web-985d559f7 < Deployment web",
        "PodTemplate shop/spare container main: quay.io/shop/report:1 (not run during the rehearsal)",
        "ReplicaSet shop/op-857fbfdbbf container op: quay.io/shop/op:1 (not run during the rehearsal) < Deployment op",
        "ReplicaSet shop/web-985d559f7 init container wait: ghcr.io/shop/init:1 (not run during the rehearsal) < Deployment web",
        "ReplicaSet shop/web-985d559f7 container app: docker.io/shop/web:1 (not run during the rehearsal) < Deployment web",
        `StatefulSet shop/db container db: ghcr.io/shop/db:1@${contentDigest} (not run during the rehearsal)`,
        "ReplicationController shop/old container pause: registry.k8s.io/pause:3.10 (not run during the rehearsal)",
      ].toSorted((one, other) => order(one) - order(other)),
    );
  });

  it("know the Helm hook that a pod runs for", () => {
    const hooks = replay(shop)
      .observations()
      .flatMap(({ hook, object }) => (hook === undefined ? [] : [object.name + hook]));
    expect(hooks).toEqual(["migratepost-install", "migrate-q9zrhpost-install"]);
  });

  it("tell each container that has started with what it runs", () => {
    const started = replay(shop).startedContainers();
    const names = new Set(started.map(({ pod, role, container }) => `${pod.name} ${role} ${container}`));
    expect(names.size).toBe(13);
    // containerd renames what a container runs when another name for the same content arrives.
    expect(started.length).toBeGreaterThan(names.size);
    expect(started.find(({ container }) => container === "pause")?.imageID).toMatch(/^sha256:b4d179/);
  });

  it("do not depend on the order in which kinds are heard of", () => {
    const expected = replay(shop).observations().map(line);
    fc.assert(
      fc.property(fc.array(fc.nat(8), { minLength: 20, maxLength: 120 }), (choices) => {
        const mixed = replay(shop, { events: interleave(shop.events, choices) });
        expect(mixed.observations().map(line)).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  });

  it("are told to the listener once each, in any order", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(8), { minLength: 20, maxLength: 120 }), (choices) => {
        const told: string[] = [];
        const launch = createLaunchObjects({
          baseline: baselineOfRecording(shop),
          now: () => startTime,
          onImage: ({ object, container }) => told.push(`${object.uid} ${container}`),
        });
        for (const event of interleave(shop.events, choices)) launch.apply(event);
        const known = launch.observations().map(({ object, container }) => `${object.uid} ${container}`);
        expect(told.toSorted()).toEqual(known.toSorted());
      }),
      { numRuns: 20 },
    );
  });
});

it("an image is as old as the workload's word for it, not as the pod that was made of it", () => {
  let seconds = 0;
  const launch = createLaunchObjects({
    baseline: baselineOf({ objects: [], nodes: [] }),
    now: () => new Date(startTime.getTime() + 1000 * seconds),
  });
  // The Deployment names another image from the 20th second on; pods come later.
  const [deployment, oldSet, newSet, oldPod, newPod] = rollOut(true);
  if (deployment === undefined || oldSet === undefined) throw new Error("no roll-out");
  for (const [second, object] of [
    [0, { ...deployment, spec: oldSet.spec }],
    [1, oldSet],
    [10, oldPod],
    [20, deployment],
    [21, newSet],
    [40, newPod],
  ] as const) {
    seconds = second;
    if (object !== undefined) launch.apply({ type: "ADDED", object });
  }
  const age = (name: string): readonly number[] =>
    launch
      .observations()
      .filter(({ object }) => object.name === name)
      .map(({ firstSeen }) => (firstSeen.getTime() - startTime.getTime()) / 1000);
  expect(age("late-1-a")).toEqual([0]);
  expect(age("late-2-b")).toEqual([20]);
});

describe("what a roll-out leaves behind", () => {
  it("is superseded, and names its images no more", () => {
    const objects = rollOut(true);
    fc.assert(
      fc.property(fc.shuffledSubarray([...objects], { minLength: objects.length }), (mixed) => {
        const launch = createLaunchObjects({ baseline: baselineOf({ objects: [], nodes: [] }), now: () => startTime });
        for (const object of mixed) launch.apply({ type: "ADDED", object });
        const superseded = launch.objects().filter((entry) => entry.superseded);
        expect(superseded.map(({ object }) => object.metadata.name)).toEqual(["late-1-a", "late-1"]);
        const replaced = launch.observations().filter(({ isReplaced }) => isReplaced);
        expect(replaced.map(({ object, image }) => `${object.name} ${image}`)).toEqual([
          `late-1-a ${placeholder}`,
          `late-1 ${placeholder}`,
        ]);
      }),
      { numRuns: 20 },
    );
  });

  it("includes what a workload or a pod itself named before", () => {
    const [deployment, oldSet, , oldPod, newPod] = rollOut(true);
    if (deployment === undefined || oldSet === undefined || oldPod === undefined) throw new Error("no roll-out");
    const { launch, replaced } = fresh();
    const bare = { ...oldPod, metadata: { ...oldPod.metadata, ownerReferences: [] } };
    launch.apply({ type: "ADDED", object: { ...deployment, spec: oldSet.spec } });
    launch.apply({ type: "ADDED", object: bare });
    expect(replaced()).toEqual([]);
    launch.apply({ type: "MODIFIED", object: deployment });
    expect(replaced()).toEqual([`late ${placeholder}`]);
    launch.apply({ type: "MODIFIED", object: { ...bare, spec: newPod?.spec } });
    expect(replaced()).toEqual([`late ${placeholder}`, `late-1-a ${placeholder}`]);
  });

  it("includes pods that are gone when what made them has another image, and no other pods that are gone", () => {
    const [deployment, oldSet, , oldPod] = rollOut(true);
    if (deployment === undefined || oldSet === undefined || oldPod === undefined) throw new Error("no roll-out");
    const { launch, replaced } = fresh();
    const owner = { apiVersion: "apps/v1", kind: "StatefulSet", name: "late", uid: deployment.metadata.uid };
    const pod = { ...oldPod, metadata: { ...oldPod.metadata, ownerReferences: [owner] } };
    launch.apply({ type: "ADDED", object: { ...deployment, kind: "StatefulSet", spec: oldSet.spec } });
    launch.apply({ type: "ADDED", object: pod });
    launch.apply({ type: "DELETED", object: pod });
    expect(replaced()).toEqual([]);
    launch.apply({ type: "MODIFIED", object: { ...deployment, kind: "StatefulSet" } });
    expect(replaced()).toEqual([`late-1-a ${placeholder}`, `late ${placeholder}`]);
    launch.apply({ type: "DELETED", object: { ...deployment, kind: "StatefulSet" } });
    expect(replaced()).toEqual([]);
  });

  function fresh() {
    const launch = createLaunchObjects({ baseline: baselineOf({ objects: [], nodes: [] }), now: () => startTime });
    const replaced = (): readonly string[] =>
      launch
        .observations()
        .filter(({ isReplaced }) => isReplaced)
        .map(({ object, image }) => `${object.name} ${image}`);
    return { launch, replaced };
  }
});

describe("the baseline", () => {
  const baseline = baselineOfRecording(shop);
  const coredns = found("Deployment", "coredns");
  const pod = found("Pod", "coredns");
  const launchOf = (...objects: readonly KubernetesObject[]): readonly string[] => {
    const launch = createLaunchObjects({ baseline, now: () => startTime });
    for (const object of [...shop.baseline, ...objects]) launch.apply({ type: "ADDED", object });
    return launch.observations().map(({ object, image }) => `${object.kind} ${object.name} ${image}`);
  };

  it("is no part of the launch", () => {
    expect(shop.baseline.length).toBeGreaterThan(8);
    expect(launchOf()).toEqual([]);
  });

  it("knows what the nodes hold", () => {
    expect(baseline.nodeImages).toContain("registry.k8s.io/pause:3.10");
  });

  it("covers pods that its workloads make anew", () => {
    expect(launchOf({ ...pod, metadata: { ...pod.metadata, uid: "new", name: "coredns-new" } })).toEqual([]);
  });

  it("covers a mirror pod that the kubelet makes anew, but no other static pod", () => {
    const etcd = found("Pod", "etcd");
    expect(launchOf({ ...etcd, metadata: { ...etcd.metadata, uid: "new" } })).toEqual([]);
    expect(launchOf({ ...etcd, metadata: { ...etcd.metadata, uid: "new", name: "mine" } })).toHaveLength(1);
  });

  it("ends where a launch brings new images into an old workload, and with the pods it makes then", () => {
    const changed = withImage(coredns, "ghcr.io/mine/coredns:2");
    const replicaSet = found("ReplicaSet", "coredns");
    const newSet = { ...withImage(replicaSet, "ghcr.io/mine/coredns:2") };
    const rolled = { ...newSet, metadata: { ...replicaSet.metadata, uid: "rs2", name: "coredns-2" } };
    expect(launchOf(changed, rolled)).toEqual([
      "Deployment coredns ghcr.io/mine/coredns:2",
      "ReplicaSet coredns-2 ghcr.io/mine/coredns:2",
    ]);
    // The same, heard of in the other order.
    expect(launchOf(rolled, changed)).toEqual(launchOf(changed, rolled));
  });

  it("leaves the canary out whenever it runs", () => {
    const canary = withImage({ ...pod, metadata: { name: "canary", uid: "c" } }, "kubefile.invalid/canary:ab12");
    expect(launchOf(canary)).toEqual([]);
  });

  function found(kind: string, prefix: string): KubernetesObject {
    const object = shop.baseline.find((entry) => entry.kind === kind && entry.metadata.name.startsWith(prefix));
    if (object === undefined) throw new Error(`no ${kind} ${prefix} in the recording`);
    return object;
  }
});

describe("news of the launch", () => {
  it("are images, workloads and pods without a workload; not replicas, readiness or what CronJobs start", () => {
    const launch = createLaunchObjects({ baseline: baselineOf({ objects: [], nodes: [] }), now: () => time });
    let time = startTime;
    const news: string[] = [];
    let last: Date | undefined;
    for (const event of shop.events) {
      time = new Date(time.getTime() + 1000);
      launch.apply(event);
      const now = launch.lastNews();
      if (now?.getTime() !== last?.getTime())
        news.push(formatObject({ ...event.object.metadata, kind: event.object.kind ?? "" }));
      last = now;
    }
    expect(news).toEqual([
      "Deployment shop/op",
      "ReplicaSet shop/op-857fbfdbbf",
      "Deployment shop/web",
      "ReplicaSet shop/web-985d559f7",
      "StatefulSet shop/db",
      "CronJob shop/report",
      "CronJob shop/tick",
      "DaemonSet shop/gpu",
      "Job shop/migrate",
      "ReplicationController shop/old",
      "PodTemplate shop/spare",
      "pod shop/main-backend",
      "pod shop/loose",
    ]);
  });
});

/** Kinds in code unit order, as the launch's objects come. */
function order(text: string): number {
  const kinds = [
    "CronJob",
    "DaemonSet",
    "Deployment",
    "Job",
    "pod",
    "PodTemplate",
    "ReplicaSet",
    "ReplicationController",
    "StatefulSet",
  ];
  return kinds.indexOf(text.slice(0, text.indexOf(" ")));
}

function withImage(object: KubernetesObject, image: string): KubernetesObject {
  const copy = JSON.parse(JSON.stringify(object));
  const spec = copy.kind === "Pod" ? copy.spec : copy.spec.template.spec;
  spec.containers[0].image = image;
  if (copy.kind === "Pod") copy.metadata.ownerReferences = undefined;
  return copy;
}
