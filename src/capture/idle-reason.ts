import type { KubernetesObject } from "../cluster/types.ts";
import { fieldAt, numberAt } from "./json-fields.ts";

/** Why a workload may have no pod, as reasons say it. */
export function idleReason(workload: KubernetesObject): string {
  switch (workload.kind) {
    case "DaemonSet":
      return numberAt(workload, "status", "desiredNumberScheduled") === 0 ? "selects no node" : notRun;
    case "Deployment":
    case "ReplicaSet":
    case "ReplicationController":
    case "StatefulSet":
      return numberAt(workload, "spec", "replicas") === 0 ? "scaled to zero" : notRun;
    case "CronJob":
    case "Job":
      return fieldAt(workload, "spec", "suspend") === true ? "suspended" : notRun;
    default:
      return notRun;
  }
}

const notRun = "not run during the rehearsal";
