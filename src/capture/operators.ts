import type { KubernetesApi, KubernetesObject } from "../cluster/types.ts";
import { type AccessReviews, accessReviews, type CustomResource } from "./access-reviews.ts";
import { recordsAt, textAt, textsAt } from "./json-fields.ts";
import type { LaunchObject } from "./launch-objects.ts";
import { controllerOf, formatObject, isCustomOwner, isWorkloadOwner, nameOf, type ObjectName } from "./owners.ts";
import { workloadKindOf } from "./template-of.ts";

/** Who in the cluster made an object that the launch did not apply itself. */
export interface OperatorAttribution {
  /** Workloads of the launch; several when nothing tells them apart. In order of name. */
  readonly operators: readonly ObjectName[];
  /** The custom resource it was made for. */
  readonly owner?: Omit<ObjectName, "uid">;
}

export interface AttributionOptions {
  readonly objects: readonly LaunchObject[];
  /** Whether a launch command ran at that time; without it every object without an owner may be the launch's own. */
  readonly commandRunning?: (time: Date) => boolean | undefined;
  readonly signal?: AbortSignal;
}

interface Candidate {
  readonly workload: ObjectName;
  readonly pod: KubernetesObject;
}

/** Field managers of Kubernetes itself; what they make has an owner that says more. */
const builtInManagers = /^(kube-controller-manager|kube-scheduler|kube-apiserver|kubelet)$/;
/** What launch commands usually are. */
const launchManagers = /^(kubectl|helm|kustomize)/i;

/**
 * Finds for each topmost pod or workload that no launch command applied the workload that made it, by three traces: it
 * ran before; its ServiceAccount may create that kind there (asked by SubjectAccessReview); and the object's field
 * manager, which clients take from their program's name. Keys are uids. Errors are KubernetesApiError.
 */
export async function attributeOperators(
  api: KubernetesApi,
  options: AttributionOptions,
): Promise<ReadonlyMap<string, OperatorAttribution>> {
  const found = new Map<string, OperatorAttribution>();
  const candidates = candidatesAmong(options.objects);
  const access = accessReviews(api, options.signal);
  for (const { object, firstSeen, owners } of options.objects) {
    const controller = controllerOf(object);
    if (controller !== undefined && isWorkloadOwner(controller)) continue;
    const customOwner = owners.find(isCustomOwner);
    const manager = creatorOf(object);
    if (customOwner === undefined && !looksForeign(manager, options.commandRunning?.(firstSeen))) continue;
    const able = await ableTo(access, object, candidates);
    const resource = customOwner === undefined ? undefined : await access.resourceOf(customOwner);
    const watching = resource === undefined ? [] : await ableToWatch(access, resource, object, able);
    const operators = closest(watching.length > 0 ? watching : able, manager);
    if (operators.length === 0) continue;
    const { kind = "", name = "", namespace } = customOwner ?? {};
    const inNamespace = namespace === undefined || resource?.namespaced === false ? {} : { namespace };
    found.set(object.metadata.uid, {
      operators,
      ...(customOwner === undefined ? {} : { owner: { kind, name, ...inNamespace } }),
    });
  }
  return found;
}

/** Running pods of the launch, each standing for the workload at its top. */
function candidatesAmong(objects: readonly LaunchObject[]): readonly Candidate[] {
  return objects
    .filter(({ object }) => object.kind === "Pod" && textAt(object, "status", "startTime") !== undefined)
    .map(({ object, owners }) => ({
      workload: owners.findLast(isWorkloadOwner) ?? nameOf(object),
      pod: object,
    }));
}

function looksForeign(manager: string | undefined, commandRan: boolean | undefined): boolean {
  if (manager === undefined || builtInManagers.test(manager)) return false;
  // Nobody but the cluster itself acts between launch commands, whatever the client is called.
  return commandRan === false || !launchManagers.test(manager);
}

async function ableTo(
  access: AccessReviews,
  object: KubernetesObject,
  candidates: readonly Candidate[],
): Promise<readonly Candidate[]> {
  const kind = workloadKindOf(object.apiVersion, object.kind);
  const namespace = object.metadata.namespace;
  const created = Date.parse(object.metadata.creationTimestamp ?? "");
  if (kind === undefined || namespace === undefined) return [];
  const able: Candidate[] = [];
  for (const candidate of candidates) {
    if (candidate.workload.uid === object.metadata.uid) continue;
    if (Date.parse(textAt(candidate.pod, "status", "startTime") ?? "") > created) continue;
    const attributes = { verb: "create", group: kind.group, resource: kind.resource, namespace };
    if (await access.allowed(candidate.pod, attributes)) able.push(candidate);
  }
  return able;
}

async function ableToWatch(
  access: AccessReviews,
  resource: CustomResource,
  object: KubernetesObject,
  candidates: readonly Candidate[],
): Promise<readonly Candidate[]> {
  const namespace = resource.namespaced ? object.metadata.namespace : undefined;
  const attributes = { verb: "watch", group: resource.group, resource: resource.name, namespace };
  const able: Candidate[] = [];
  for (const candidate of candidates) if (await access.allowed(candidate.pod, attributes)) able.push(candidate);
  return able;
}

/** One workload when the field manager names its program, else all of them. */
function closest(candidates: readonly Candidate[], manager: string | undefined): readonly ObjectName[] {
  const named = candidates.filter(({ pod }) => manager !== undefined && programsOf(pod).has(manager));
  const chosen = named.length > 0 ? named : candidates;
  const byName = new Map(chosen.map(({ workload }) => [formatObject(workload), workload]));
  return [...byName.entries()].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, workload]) => workload);
}

/** Names under which the programs of a pod may act: first words of command and arguments, image, container. */
function programsOf(pod: KubernetesObject): ReadonlySet<string> {
  const names = recordsAt(pod, "spec", "containers").flatMap((container) => [
    textsAt(container, "command")[0],
    textsAt(container, "args")[0],
    textAt(container, "image")?.replace(/[:@][^/]*$/, ""),
    textAt(container, "name"),
  ]);
  return new Set(names.flatMap((name) => (name === undefined ? [] : [name.slice(name.lastIndexOf("/") + 1)])));
}

/** The field manager of the request that made an object. */
export function creatorOf(object: KubernetesObject): string | undefined {
  return recordsAt(object, "metadata", "managedFields")
    .filter((entry) => textAt(entry, "subresource") === undefined)
    .sort((one, other) => ((textAt(one, "time") ?? "") < (textAt(other, "time") ?? "") ? -1 : 1))
    .map((entry) => textAt(entry, "manager"))[0];
}
