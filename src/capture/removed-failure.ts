import type { KubernetesObject } from "../cluster/types.ts";
import { conditionOf } from "./conditions.ts";
import { numberAt } from "./json-fields.ts";
import type { LaunchObject } from "./launch-objects.ts";
import type { WorkloadState } from "./workload-state.ts";

/**
 * How a Job failed that was removed before anybody could look, because its `ttlSecondsAfterFinished` says so. Undefined
 * for all else, and when another Job of that name has taken its place.
 */
export function removedFailure(
  { object: job, deleted }: LaunchObject,
  objects: readonly LaunchObject[],
): Extract<WorkloadState, { state: "failed" }> | undefined {
  const lifetime = numberAt(job, "spec", "ttlSecondsAfterFinished");
  const isRemoved = deleted || job.metadata.deletionTimestamp !== undefined;
  if (job.kind !== "Job" || lifetime === undefined || !isRemoved) return undefined;
  const failed = conditionOf(job, "Failed");
  if (failed?.status !== "True" || objects.some((other) => !other.deleted && isAnother(other.object, job))) {
    return undefined;
  }
  const { reason = "Failed", message = "" } = failed;
  return { state: "failed", reason, message: `${message} (removed after ${lifetime} s, as it asks for)` };
}

function isAnother(object: KubernetesObject, { kind, metadata }: KubernetesObject): boolean {
  const { name, namespace, uid } = object.metadata;
  return object.kind === kind && name === metadata.name && namespace === metadata.namespace && uid !== metadata.uid;
}
