import { type Baseline, isMirrorPod } from "../capture/baseline.ts";
import { numberAt, recordsAt, textAt } from "../capture/json-fields.ts";
import { formatObject } from "../capture/owners.ts";
import { podState } from "../capture/pod-state.ts";
import type { KubernetesApi, KubernetesObject } from "../cluster/types.ts";
import { errorMessage } from "../error.ts";

/** How the pods of a launch ended up, for people to read. */
export interface ClusterRecord {
  /** By namespace and name; those that are not well first. */
  readonly pods: readonly RecordedPod[];
  readonly events: readonly RecordedEvent[];
  readonly logs: readonly RecordedLog[];
}

export interface RecordedPod {
  readonly namespace: string;
  readonly name: string;
  /** `Running`, `Succeeded`, or why it does not run: `CrashLoopBackOff`. */
  readonly status: string;
  readonly healthy: boolean;
  /** `1/2`: containers that are ready, and all. */
  readonly ready: string;
  readonly restarts: number;
  /** What keeps it from going on. */
  readonly message?: string;
}

/** Warnings alone: the others tell of what went well. */
export interface RecordedEvent {
  /** `pod shop/web-0`. */
  readonly object: string;
  readonly reason: string;
  readonly message: string;
  readonly count: number;
}

export interface RecordedLog {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** The last lines. */
  readonly text: string;
  /** True for the run of the container before the present one. */
  readonly previous: boolean;
}

const MAX_PODS = 200;
const MAX_EVENTS = 40;
const MAX_LOGS = 24;
const LOG_LINES = 50;
const LOG_CHARACTERS = 8 * 1024;
/** Of the log's end as the API server sends it: one line may be anything. */
const ANSWER_BYTES = 256 * 1024;
const MESSAGE_CHARACTERS = 1_000;
const TIMEOUT = 20_000;

/**
 * Takes down pods, warnings and last log lines of what a launch made. Never throws: what cannot be read in time is left
 * out, since the record is about something else.
 */
export async function recordCluster(api: KubernetesApi, baseline: Baseline): Promise<ClusterRecord> {
  // Not the run's signal: a launch that ran out of time is what people want to read about.
  const signal = AbortSignal.timeout(TIMEOUT);
  const list = async (path: string): Promise<readonly KubernetesObject[]> =>
    (await api.list(path, { signal }).catch(() => ({ items: [] }))).items;
  const [all, events] = await Promise.all([list("/api/v1/pods"), list("/api/v1/events?fieldSelector=type%3DWarning")]);
  const launched = all.filter((pod) => !baseline.images.has(pod.metadata.uid) && !isMirrorPod(pod));
  const pods = launched
    .map((object) => ({ object, pod: recordedPod(object) }))
    .sort((one, other) => Number(one.pod.healthy) - Number(other.pod.healthy) || compare(one.pod, other.pod));
  const logs = await Promise.all(
    pods
      .flatMap(({ object, pod }) => containersOf(object).map((container) => ({ object, pod, ...container })))
      .slice(0, MAX_LOGS)
      .map(async ({ object, pod, name, restarts }): Promise<RecordedLog> => {
        const { namespace = "default" } = object.metadata;
        const previous = !pod.healthy && restarts > 0;
        const text = await logOf(api, { namespace, pod: pod.name, container: name, previous }, signal);
        return { namespace, pod: pod.name, container: name, text, previous };
      }),
  );
  return {
    pods: pods.map(({ pod }) => pod).slice(0, MAX_PODS),
    events: recordedEvents(events, { all, launched }),
    logs: logs.filter(({ text }) => text !== ""),
  };
}

function recordedPod(object: KubernetesObject): RecordedPod {
  const { namespace = "default", name, deletionTimestamp } = object.metadata;
  const state = podState(object, []);
  const statuses = recordsAt(object, "status", "containerStatuses");
  const problem = "problems" in state ? state.problems[0] : undefined;
  const phase = textAt(object, "status", "phase") ?? "Unknown";
  const message = problem?.message ?? (state.state === "waiting" ? `waiting for ${state.waitingFor}` : "");
  return {
    ...{ namespace, name, healthy: state.state === "done" },
    status: problem?.reason ?? (deletionTimestamp === undefined ? phase : "Terminating"),
    ready: `${statuses.filter(({ ready }) => ready === true).length}/${recordsAt(object, "spec", "containers").length}`,
    restarts: statuses.reduce((sum, status) => sum + (numberAt(status, "restartCount") ?? 0), 0),
    ...(message === "" ? {} : { message: message.slice(0, MESSAGE_CHARACTERS) }),
  };
}

/**
 * Warnings about what the launch made, oldest first. What the cluster warned of while it came up, and of its own pods, is
 * about the machine.
 *
 * @param events those of type Warning
 */
export function recordedEvents(
  events: readonly KubernetesObject[],
  pods: { readonly all: readonly KubernetesObject[]; readonly launched: readonly KubernetesObject[] },
): RecordedEvent[] {
  // A kubelet's events about static pods have another uid than their mirrors: the name tells them.
  const own = new Set(pods.all.filter((pod) => !pods.launched.includes(pod)).map(placeOf));
  const begin = pods.launched.map(({ metadata }) => metadata.creationTimestamp ?? "").sort()[0] ?? "";
  return events
    .filter((event) => lastSeen(event) >= begin && !(isAboutPod(event) && own.has(placeOfInvolved(event))))
    .sort((one, other) => (lastSeen(one) < lastSeen(other) ? -1 : 1))
    .slice(-MAX_EVENTS)
    .map(recordedEvent);
}

function placeOf({ metadata: { namespace = "default", name } }: KubernetesObject): string {
  return `${namespace}/${name}`;
}

function placeOfInvolved(event: KubernetesObject): string {
  return `${textAt(event, "involvedObject", "namespace") ?? ""}/${textAt(event, "involvedObject", "name") ?? ""}`;
}

function isAboutPod(event: KubernetesObject): boolean {
  return textAt(event, "involvedObject", "kind") === "Pod";
}

function recordedEvent(event: KubernetesObject): RecordedEvent {
  const namespace = textAt(event, "involvedObject", "namespace");
  return {
    object: formatObject({
      kind: textAt(event, "involvedObject", "kind") ?? "",
      name: textAt(event, "involvedObject", "name") ?? "",
      ...(namespace === undefined ? {} : { namespace }),
    }),
    reason: textAt(event, "reason") ?? "",
    message: (textAt(event, "message") ?? "").slice(0, MESSAGE_CHARACTERS),
    count: numberAt(event, "count") ?? numberAt(event, "series", "count") ?? 1,
  };
}

function lastSeen(event: KubernetesObject): string {
  return textAt(event, "lastTimestamp") ?? textAt(event, "eventTime") ?? event.metadata.creationTimestamp ?? "";
}

/** Containers that have run, init containers that failed among them. */
function containersOf(pod: KubernetesObject): { name: string; restarts: number }[] {
  return [...recordsAt(pod, "status", "initContainerStatuses"), ...recordsAt(pod, "status", "containerStatuses")]
    .filter((status) => textAt(status, "containerID") !== undefined)
    .map((status) => ({ name: textAt(status, "name") ?? "", restarts: numberAt(status, "restartCount") ?? 0 }));
}

async function logOf(
  api: KubernetesApi,
  { namespace, pod, container, previous }: Omit<RecordedLog, "text">,
  signal: AbortSignal,
): Promise<string> {
  const query = new URLSearchParams({ container, tailLines: String(LOG_LINES), limitBytes: String(ANSWER_BYTES) });
  if (previous) query.set("previous", "true");
  try {
    const text = await api.text(`/api/v1/namespaces/${namespace}/pods/${pod}/log?${query}`, { signal });
    return text.slice(-LOG_CHARACTERS);
  } catch (error) {
    return `the log could not be read: ${errorMessage(error)}`;
  }
}

function compare(one: RecordedPod, other: RecordedPod): number {
  const [left, right] = [`${one.namespace}/${one.name}`, `${other.namespace}/${other.name}`];
  return left < right ? -1 : left > right ? 1 : 0;
}
