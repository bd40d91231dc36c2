import { conditionOf } from "../capture/conditions.ts";
import { fieldAt, numberAt, recordsAt, textAt } from "../capture/json-fields.ts";
import type { PodPort } from "../cluster/port-forward.ts";
import type { KubernetesApi, KubernetesObject } from "../cluster/types.ts";
import { KubefileError } from "../error.ts";
import { isRecord } from "../oci/json-record.ts";

/** What a local port leads to. */
export interface ForwardTarget {
  readonly kind: ForwardKind;
  /** Looked for in every namespace when absent. */
  readonly namespace: string | undefined;
  readonly name: string;
  /** A number, or a port's name. */
  readonly port: string;
  /** As the user wrote it. */
  readonly shown: string;
}

type ForwardKind = "services" | "deployments" | "statefulsets" | "daemonsets" | "pods";

const kinds: ReadonlyMap<string, ForwardKind> = new Map([
  ["svc", "services"],
  ["service", "services"],
  ["deploy", "deployments"],
  ["deployment", "deployments"],
  ["sts", "statefulsets"],
  ["statefulset", "statefulsets"],
  ["ds", "daemonsets"],
  ["daemonset", "daemonsets"],
  ["pod", "pods"],
]);

/**
 * `[NAMESPACE/]KIND/NAME:PORT`, with kubectl's short names of kinds: `svc/web:8080`, `shop/deploy/web:http`.
 *
 * @throws KubefileError USAGE
 */
export function parseForwardTarget(text: string): ForwardTarget {
  const name = "[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?";
  const pattern = new RegExp(`^(?:(${name})/)?([a-z]+)/(${name}):(\\d{1,5}|[a-z0-9-]{1,15})$`);
  const [, namespace, word = "", found = "", port = ""] = pattern.exec(text) ?? [];
  const kind = kinds.get(word);
  if (kind === undefined || Number(port) === 0 || Number(port) > 65_535) {
    throw new KubefileError("USAGE", `${JSON.stringify(text)} does not name a port of the cluster`, {
      hint: "write [NAMESPACE/]KIND/NAME:PORT, such as svc/web:8080 or shop/deploy/web:http",
    });
  }
  return { kind, namespace, name: found, port, shown: text };
}

/**
 * A pod that is ready and stands behind a target, and the port of it.
 *
 * @throws KubefileError USAGE when there is no such object or port, NOT_SETTLED when no pod behind it is ready
 */
export async function locateTarget(api: KubernetesApi, target: ForwardTarget, signal: AbortSignal): Promise<PodPort> {
  const object = await findObject(api, target, signal);
  const { namespace = "default" } = object.metadata;
  const pod = target.kind === "pods" ? object : await readyPod(api, target, object, signal);
  return { namespace, pod: pod.metadata.name, port: podPort(target, object, pod) };
}

async function findObject(api: KubernetesApi, target: ForwardTarget, signal: AbortSignal): Promise<KubernetesObject> {
  const { kind, namespace, name, shown } = target;
  const group = kind === "services" || kind === "pods" ? "/api/v1" : "/apis/apps/v1";
  const { items } = await api.list(`${group}/${kind}`, { signal });
  const named = items.filter(({ metadata }) => metadata.name === name);
  const found = named.filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace);
  const [object, ...others] = found;
  if (object !== undefined && others.length === 0) return object;
  const places = named.map(({ metadata }) => `${metadata.namespace}/${shown.slice(shown.search(/[a-z]+\/[^/]*$/))}`);
  if (object === undefined) {
    throw new KubefileError("USAGE", `the launch made no ${shown.replace(/:[^:]*$/, "")}`, {
      hint:
        places.length > 0
          ? `there is ${places.join(", ")}`
          : `${kind} of the launch: ${items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).join(", ") || "none"}`,
    });
  }
  throw new KubefileError("USAGE", `${shown} is in several namespaces`, { hint: `write ${places.join(" or ")}` });
}

async function readyPod(
  api: KubernetesApi,
  target: ForwardTarget,
  object: KubernetesObject,
  signal: AbortSignal,
): Promise<KubernetesObject> {
  const selector = fieldAt(object, "spec", "selector");
  const labels = target.kind === "services" ? selector : fieldAt(selector, "matchLabels");
  const pairs = isRecord(labels) ? Object.entries(labels).map(([key, value]) => `${key}=${String(value)}`) : [];
  if (pairs.length === 0) {
    throw new KubefileError("USAGE", `${target.shown} selects no pods by their labels`, {
      hint: "forward to a pod, or to what made it",
    });
  }
  const query = new URLSearchParams({ labelSelector: pairs.join(",") });
  const path = `/api/v1/namespaces/${object.metadata.namespace ?? "default"}/pods?${query}`;
  const { items } = await api.list(path, { signal });
  const ready = items
    .filter((pod) => pod.metadata.deletionTimestamp === undefined && conditionOf(pod, "Ready")?.status === "True")
    .sort((one, other) => (one.metadata.name < other.metadata.name ? -1 : 1));
  const [first] = ready;
  if (first !== undefined) return first;
  throw new KubefileError("NOT_SETTLED", `no pod behind ${target.shown} is ready, of ${items.length}`);
}

/** A Service's port leads to its target port; any other is one of the pod's own. */
function podPort(target: ForwardTarget, object: KubernetesObject, pod: KubernetesObject): number {
  const { port, shown } = target;
  if (target.kind !== "services") return portOfPod(pod, port, shown);
  const ports = recordsAt(object, "spec", "ports");
  const found = ports.find((entry) => textAt(entry, "name") === port || numberAt(entry, "port") === Number(port));
  if (found === undefined) {
    throw new KubefileError("USAGE", `the service has no port ${port}: ${shown}`, {
      hint: `it has ${ports.map((entry) => [numberAt(entry, "port"), textAt(entry, "name")].filter(Boolean).join(" ")).join(", ")}`,
    });
  }
  const leadsTo = numberAt(found, "targetPort") ?? textAt(found, "targetPort") ?? numberAt(found, "port");
  return portOfPod(pod, String(leadsTo), shown);
}

function portOfPod(pod: KubernetesObject, port: string, shown: string): number {
  if (/^\d+$/.test(port)) return Number(port);
  const containers = [...recordsAt(pod, "spec", "containers"), ...recordsAt(pod, "spec", "initContainers")];
  const found = containers
    .flatMap((container) => recordsAt(container, "ports"))
    .find((entry) => textAt(entry, "name") === port);
  const number = numberAt(found, "containerPort");
  if (number !== undefined) return number;
  throw new KubefileError("USAGE", `no container of pod ${pod.metadata.name} has a port named ${port}: ${shown}`);
}
