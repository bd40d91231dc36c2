import type { KubernetesObject } from "../cluster/types.ts";
import type { JsonRecord } from "../oci/json-record.ts";
import { conditionOf } from "./conditions.ts";
import { fieldAt, numberAt, recordsAt, textAt } from "./json-fields.ts";
import { type ImageRole, imagesOfPodSpec } from "./pod-spec.ts";
import { PULLING, type WarningEvent } from "./warning-events.ts";

/** What keeps a pod, or one of its containers, from going on. */
export interface PodProblem {
  /** Kubernetes' own word: `ImagePullBackOff`, `Unschedulable`, `CrashLoopBackOff`. */
  readonly reason: string;
  readonly message: string;
  /** Whether it is the image that cannot be had. */
  readonly cause: "image" | "other";
  readonly container?: { readonly container: string; readonly role: ImageRole; readonly image: string };
  readonly restarts: number;
}

export type PodState =
  /** Ready, or Succeeded, or on its way out. */
  | { readonly state: "done" }
  /** Failed, and it will not be started again by itself. */
  | { readonly state: "failed"; readonly problems: readonly PodProblem[] }
  | { readonly state: "blocked"; readonly problems: readonly PodProblem[] }
  /** On its way; `waitingFor` says where it is, `hasCrashed` that it was so before. */
  | { readonly state: "waiting"; readonly waitingFor: string; readonly hasCrashed: boolean };

const imageReasons = new Set([
  "ErrImagePull",
  "ImagePullBackOff",
  "InvalidImageName",
  "ErrImageNeverPull",
  "ImageInspectError",
  "RegistryUnavailable",
  "SignatureValidationFailed",
]);

const otherReasons = new Set([
  "CrashLoopBackOff",
  "CreateContainerConfigError",
  "CreateContainerError",
  "RunContainerError",
  "ContainerCannotRun",
  "PreCreateHookError",
  "PostStartHookError",
]);

/** Warnings of a kubelet that hold a pod in ContainerCreating before it asks for any image. */
const setupReasons = new Set(["FailedMount", "FailedAttachVolume", "FailedMapVolume", "FailedCreatePodSandBox"]);

/** Reads where a pod stands (Kubernetes, "Pod Lifecycle") from its status and the warnings about it. */
export function podState(pod: KubernetesObject, warnings: readonly WarningEvent[]): PodState {
  const phase = textAt(pod, "status", "phase");
  if (pod.metadata.deletionTimestamp !== undefined || phase === "Succeeded") return { state: "done" };
  if (phase === "Failed") return { state: "failed", problems: [failedPod(pod)] };
  if (conditionOf(pod, "Ready")?.status === "True") return { state: "done" };
  const scheduled = conditionOf(pod, "PodScheduled");
  if (scheduled?.status === "False") {
    const { reason = "Unschedulable", message = "" } = scheduled;
    return { state: "blocked", problems: [{ reason, message, cause: "other", restarts: 0 }] };
  }
  const statuses = containerStatuses(pod);
  const problems = statuses.flatMap(containerProblem);
  if (problems.length > 0) return { state: "blocked", problems };
  const creating = statuses.some(({ status }) => textAt(status, "state", "waiting", "reason") === "ContainerCreating");
  // Its status tells nothing of a pull before that has ended, and a volume that was late is forgotten by then.
  const isSetUp = warnings.some(({ reason }) => reason === PULLING);
  const setup = isSetUp ? undefined : warnings.findLast(({ reason }) => setupReasons.has(reason));
  if (setup !== undefined && (creating || statuses.length === 0)) {
    const { reason, message } = setup;
    return { state: "blocked", problems: [{ reason, message, cause: "other", restarts: 0 }] };
  }
  const hasCrashed = statuses.some(({ status }) => restartsOf(status) > 0);
  return { state: "waiting", waitingFor: waitingFor(statuses), hasCrashed };
}

/** True when every container has its image on the node, or cannot ask for it yet for another reason than its image. */
export function hasItsImages(pod: KubernetesObject, state: PodState): boolean {
  if (state.state === "done" || state.state === "failed") return true;
  if (state.state === "blocked") return state.problems.every(({ cause }) => cause === "other");
  const statuses = containerStatuses(pod);
  // A main container says PodInitializing while init containers run; the first init container says so before its own pull.
  const initStarted = statuses.some(({ role, status }) => role === "init" && hasImage(status));
  return (
    statuses.length > 0 && statuses.every(({ role, status }) => hasImage(status) || (role === "main" && initStarted))
  );
}

interface ContainerStatus {
  readonly role: ImageRole;
  readonly status: JsonRecord;
  readonly image: string;
}

function containerStatuses(pod: KubernetesObject): readonly ContainerStatus[] {
  const images = imagesOfPodSpec(pod.spec);
  const read = (field: string, role: ImageRole): readonly ContainerStatus[] =>
    recordsAt(pod, "status", field).map((status) => {
      const written = images.find((image) => image.role === role && image.container === textAt(status, "name"));
      return { role, status, image: written?.image ?? textAt(status, "image") ?? "" };
    });
  return [
    ...read("initContainerStatuses", "init"),
    ...read("containerStatuses", "main"),
    ...read("ephemeralContainerStatuses", "ephemeral"),
  ];
}

function containerProblem({ role, status, image }: ContainerStatus): readonly PodProblem[] {
  const reason = textAt(status, "state", "waiting", "reason") ?? "";
  const cause = imageReasons.has(reason) ? "image" : otherReasons.has(reason) ? "other" : undefined;
  if (cause === undefined) return [];
  const message = textAt(status, "state", "waiting", "message") ?? "";
  const container = { container: textAt(status, "name") ?? "", role, image };
  return [{ reason, message: `${message}${lastExit(status)}`, cause, container, restarts: restartsOf(status) }];
}

function failedPod(pod: KubernetesObject): PodProblem {
  const ended = containerStatuses(pod).find(({ status }) => (exitCode(status, "state") ?? 0) !== 0);
  const code = ended === undefined ? undefined : exitCode(ended.status, "state");
  const stated = textAt(pod, "status", "message") ?? "";
  const message = code === undefined ? stated : `container ${textAt(ended?.status, "name")} exited with ${code}`;
  return { reason: textAt(pod, "status", "reason") ?? "Failed", message, cause: "other", restarts: 0 };
}

function lastExit(status: JsonRecord): string {
  const code = exitCode(status, "lastState");
  return code === undefined ? "" : ` (last exit code ${code}, ${restartsOf(status)} restarts)`;
}

function exitCode(status: JsonRecord, state: "state" | "lastState"): number | undefined {
  return numberAt(status, state, "terminated", "exitCode");
}

function restartsOf(status: JsonRecord): number {
  return numberAt(status, "restartCount") ?? 0;
}

function hasImage(status: JsonRecord): boolean {
  return (textAt(status, "imageID") ?? "") !== "";
}

function waitingFor(statuses: readonly ContainerStatus[]): string {
  if (statuses.length === 0) return "scheduling";
  const init = statuses.find(
    ({ role, status }) => role === "init" && exitCode(status, "state") !== 0 && !isServing(status),
  );
  if (init !== undefined) return `init container ${textAt(init.status, "name")}`;
  const creating = statuses.find(({ status }) => fieldAt(status, "state", "waiting") !== undefined);
  return creating === undefined ? "readiness" : `container ${textAt(creating.status, "name")}`;
}

/** A sidecar: an init container that goes on running. */
function isServing(status: JsonRecord): boolean {
  return fieldAt(status, "started") === true && fieldAt(status, "ready") === true;
}
