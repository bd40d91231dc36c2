import type { KubernetesObject, OwnerReference } from "../../../src/cluster/types.ts";

/** What a Deployment first names, as templates do that a command fills in, and what it names in the end. */
export const placeholder = "registry.invalid/set-me:none";
export const final = "docker.io/shop/late:1";

type Fields = Readonly<Record<string, unknown>>;

/**
 * A Deployment after `kubectl set image`: the ReplicaSet and the pod of its first template are there still, that pod
 * without its image. `newIsReady` is the pod of the second.
 */
export function rollOut(newIsReady: boolean): readonly KubernetesObject[] {
  const ready = newIsReady ? 1 : 0;
  return [
    object("Deployment", "late", { revision: 2 }, template(final), {
      observedGeneration: 2,
      replicas: 2,
      readyReplicas: ready,
      updatedReplicas: 1,
    }),
    object("ReplicaSet", "late-1", { revision: 1, owner: ["Deployment", "late"] }, template(placeholder), {
      observedGeneration: 1,
      replicas: 1,
    }),
    object("ReplicaSet", "late-2", { revision: 2, owner: ["Deployment", "late"] }, template(final), {
      observedGeneration: 1,
      replicas: 1,
      readyReplicas: ready,
    }),
    object("Pod", "late-1-a", { owner: ["ReplicaSet", "late-1"] }, podSpec(placeholder), {
      phase: "Pending",
      conditions: [{ type: "Ready", status: "False" }],
      containerStatuses: [{ name: "app", state: { waiting: { reason: "ErrImagePull", message: "not found" } } }],
    }),
    object("Pod", "late-2-b", { owner: ["ReplicaSet", "late-2"] }, podSpec(final), {
      phase: newIsReady ? "Running" : "Pending",
      conditions: [{ type: "Ready", status: newIsReady ? "True" : "False" }],
      containerStatuses: [{ name: "app", state: newIsReady ? { running: {} } : { waiting: { reason: "Starting" } } }],
    }),
  ];
}

function object(
  kind: string,
  name: string,
  { revision, owner }: { readonly revision?: number; readonly owner?: readonly [kind: string, name: string] },
  spec: Fields,
  status: Fields,
): KubernetesObject {
  const owners = owner === undefined ? [] : [ownerReference(...owner)];
  return {
    apiVersion: kind === "Pod" ? "v1" : "apps/v1",
    kind,
    metadata: {
      name,
      namespace: "shop",
      uid: `${kind} ${name}`,
      generation: kind === "Deployment" ? 2 : 1,
      ownerReferences: owners,
      annotations: revision === undefined ? {} : { "deployment.kubernetes.io/revision": String(revision) },
    },
    spec,
    status,
  };
}

function ownerReference(kind: string, name: string): OwnerReference {
  return { apiVersion: "apps/v1", kind, name, uid: `${kind} ${name}`, controller: true };
}

function template(image: string): Fields {
  return { replicas: 1, template: { spec: podSpec(image) } };
}

function podSpec(image: string): Fields {
  return { containers: [{ name: "app", image }] };
}
