import type { KubernetesObject } from "../cluster/types.ts";
import { controllerOf } from "./owners.ts";

/** Where a Deployment's controller counts its templates, on the Deployment and on the ReplicaSet of each of them. */
const REVISION = "deployment.kubernetes.io/revision";

/**
 * Whether an object is a ReplicaSet whose Deployment has gone on to another template, or a pod of one. Such pods stay
 * until others are ready in their place, whatever becomes of them meanwhile.
 */
export function isSuperseded(object: KubernetesObject, lookup: (uid: string) => KubernetesObject | undefined): boolean {
  const owner = lookup(controllerOf(object)?.uid ?? "");
  if (owner === undefined) return false;
  if (object.kind === "Pod") return owner.kind === "ReplicaSet" && isSuperseded(owner, lookup);
  return object.kind === "ReplicaSet" && owner.kind === "Deployment" && revisionOf(object) < revisionOf(owner);
}

function revisionOf(object: KubernetesObject): number {
  return Number(object.metadata.annotations?.[REVISION] ?? Number.NaN);
}
