import type { KubernetesObject, OwnerReference } from "../cluster/types.ts";
import { groupOf, workloadKindOf } from "./template-of.ts";

/** An object as messages name it. */
export interface ObjectName {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly uid: string;
}

export interface Owner extends ObjectName {
  readonly apiVersion: string;
}

/** An owner that is no workload can own a thousand layers only by a cycle. */
const MAX_DEPTH = 16;

export function nameOf(object: KubernetesObject): ObjectName {
  const { namespace, name, uid } = object.metadata;
  return { kind: object.kind ?? "", ...(namespace === undefined ? {} : { namespace }), name, uid };
}

/** `Deployment shop/web`; pods in lower case, as everybody speaks of them: `pod shop/web-0`. */
export function formatObject({ kind, namespace, name }: Omit<ObjectName, "uid">): string {
  const path = namespace === undefined ? name : `${namespace}/${name}`;
  return `${kind === "Pod" ? "pod" : kind} ${path}`;
}

/** The owner that made an object: its controller, else the first owner named. */
export function controllerOf(object: KubernetesObject): OwnerReference | undefined {
  const owners = object.metadata.ownerReferences ?? [];
  return owners.find((owner) => owner.controller === true) ?? owners[0];
}

export function isWorkloadOwner(owner: { readonly apiVersion: string; readonly kind: string }): boolean {
  return workloadKindOf(owner.apiVersion, owner.kind) !== undefined;
}

/** True when an owner is neither a workload nor a node: a custom resource, or an object of an aggregated API. */
export function isCustomOwner(owner: { readonly apiVersion: string; readonly kind: string }): boolean {
  return !isWorkloadOwner(owner) && groupOf(owner.apiVersion) !== "";
}

/**
 * The owners of an object, nearest first: ReplicaSet, Deployment, and above it whatever owns that. Ends at an object
 * that nobody owns or that `lookup` does not know; the last one may thus be known by its reference alone.
 */
export function ownerChain(
  object: KubernetesObject,
  lookup: (uid: string) => KubernetesObject | undefined,
): readonly Owner[] {
  const chain: Owner[] = [];
  let current: KubernetesObject | undefined = object;
  while (current !== undefined && chain.length < MAX_DEPTH) {
    const owner = controllerOf(current);
    if (owner === undefined) break;
    const { namespace } = object.metadata;
    const { apiVersion, kind, name, uid } = owner;
    chain.push({ apiVersion, kind, name, uid, ...(namespace === undefined || kind === "Node" ? {} : { namespace }) });
    current = lookup(uid);
  }
  return chain;
}
