import { fieldAt, textAt } from "./json-fields.ts";

/** A built-in kind that is a pod or makes pods. */
export interface WorkloadKind {
  readonly kind: string;
  /** API group; empty for the core group. */
  readonly group: string;
  /** Plural name, as paths and access reviews use it. */
  readonly resource: string;
  /** Path of the collection at the API server. */
  readonly path: string;
  /** Where its pod spec sits. */
  readonly podSpec: readonly string[];
}

const template = ["spec", "template", "spec"];

export const workloadKinds: readonly WorkloadKind[] = [
  core("Pod", "pods", ["spec"]),
  core("PodTemplate", "podtemplates", ["template", "spec"]),
  core("ReplicationController", "replicationcontrollers", template),
  apps("Deployment", "deployments"),
  apps("StatefulSet", "statefulsets"),
  apps("DaemonSet", "daemonsets"),
  apps("ReplicaSet", "replicasets"),
  batch("Job", "jobs", template),
  batch("CronJob", "cronjobs", ["spec", "jobTemplate", "spec", "template", "spec"]),
];

/** Groups that held these kinds at some time; a file may still name an old one. */
const builtInGroups = new Set(["", "apps", "batch", "extensions"]);

export function workloadKindOf(apiVersion: string | undefined, kind: string | undefined): WorkloadKind | undefined {
  if (apiVersion === undefined || !builtInGroups.has(groupOf(apiVersion))) return undefined;
  return workloadKinds.find((known) => known.kind === kind);
}

export interface LocatedPodSpec {
  readonly kind: WorkloadKind;
  readonly spec: unknown;
}

/** The pod spec of an object: its own when it is a pod, else that of its template. Undefined for all other kinds. */
export function podSpecOf(object: unknown): LocatedPodSpec | undefined {
  const kind = workloadKindOf(textAt(object, "apiVersion"), textAt(object, "kind"));
  return kind === undefined ? undefined : { kind, spec: fieldAt(object, ...kind.podSpec) };
}

/** `apps` of `apps/v1`, empty for `v1`. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? "" : apiVersion.slice(0, slash);
}

function core(kind: string, resource: string, podSpec: readonly string[]): WorkloadKind {
  return { kind, group: "", resource, path: `/api/v1/${resource}`, podSpec };
}

function apps(kind: string, resource: string): WorkloadKind {
  return { kind, group: "apps", resource, path: `/apis/apps/v1/${resource}`, podSpec: template };
}

function batch(kind: string, resource: string, podSpec: readonly string[]): WorkloadKind {
  return { kind, group: "batch", resource, path: `/apis/batch/v1/${resource}`, podSpec };
}
