import type { KubernetesObject } from "../cluster/types.ts";
import { conditionOf } from "./conditions.ts";
import { fieldAt, numberAt, textAt } from "./json-fields.ts";
import type { WarningEvent } from "./warning-events.ts";

export type WorkloadState =
  | { readonly state: "done" }
  | { readonly state: "waiting"; readonly cause: "controller" | "pods"; readonly waitingFor: string }
  /** Something that only another change can mend. */
  | { readonly state: "blocked"; readonly reason: string; readonly message: string }
  /** It has given up. */
  | { readonly state: "failed"; readonly reason: string; readonly message: string };

/** Reads where a workload stands: its controller has seen the last change, and all its pods are there and ready. */
export function workloadState(workload: KubernetesObject, warnings: readonly WarningEvent[]): WorkloadState {
  if (workload.metadata.deletionTimestamp !== undefined) return { state: "done" };
  switch (workload.kind) {
    case "Job":
      return jobState(workload);
    case "DaemonSet":
      return rolledOut(workload, numberAt(workload, "status", "desiredNumberScheduled") ?? 0, warnings, {
        ready: "numberReady",
        updated: "updatedNumberScheduled",
      });
    case "Deployment":
    case "StatefulSet":
      return rolledOut(workload, replicasOf(workload), warnings, {
        ready: "readyReplicas",
        updated: "updatedReplicas",
      });
    case "ReplicaSet":
    case "ReplicationController":
      return rolledOut(workload, replicasOf(workload), warnings, { ready: "readyReplicas" });
    default:
      return { state: "done" };
  }
}

function jobState(job: KubernetesObject): WorkloadState {
  const failed = conditionOf(job, "Failed");
  if (failed?.status === "True") {
    return { state: "failed", reason: failed.reason ?? "Failed", message: failed.message ?? "" };
  }
  const complete = conditionOf(job, "Complete")?.status === "True";
  if (complete || fieldAt(job, "spec", "suspend") === true) return { state: "done" };
  return { state: "waiting", cause: "pods", waitingFor: "completion" };
}

function rolledOut(
  workload: KubernetesObject,
  wanted: number,
  warnings: readonly WarningEvent[],
  fields: { readonly ready: string; readonly updated?: string },
): WorkloadState {
  const generation = workload.metadata.generation ?? 0;
  const observed = numberAt(workload, "status", "observedGeneration") ?? 0;
  if (observed < generation) return { state: "waiting", cause: "controller", waitingFor: "its controller" };
  const ready = numberAt(workload, "status", fields.ready) ?? 0;
  const updated = fields.updated === undefined ? wanted : (numberAt(workload, "status", fields.updated) ?? 0);
  if (ready >= wanted && updated >= toUpdate(workload, wanted)) return { state: "done" };
  const refused = warnings.findLast(({ reason }) => reason === "FailedCreate");
  const made = numberAt(workload, "status", "replicas") ?? numberAt(workload, "status", "currentNumberScheduled") ?? 0;
  if (refused !== undefined && made < wanted) return { state: "blocked", ...refused };
  return { state: "waiting", cause: "pods", waitingFor: `${ready} of ${wanted} ready` };
}

/** Pods that a roll-out replaces by itself: none when pods are replaced only once somebody deletes them. */
function toUpdate(workload: KubernetesObject, wanted: number): number {
  if (textAt(workload, "spec", "updateStrategy", "type") === "OnDelete") return 0;
  return wanted - (numberAt(workload, "spec", "updateStrategy", "rollingUpdate", "partition") ?? 0);
}

function replicasOf(workload: KubernetesObject): number {
  return numberAt(workload, "spec", "replicas") ?? 1;
}
