import type { KubernetesApi } from "../cluster/types.ts";
import { errorMessage, KubefileError, type Location, locationPrefix } from "../error.ts";
import type { Assessment, Problem } from "./assessment.ts";
import { formatObject } from "./owners.ts";
import { PULLING, type WarningEvent } from "./warning-events.ts";

export interface NotSettledContext {
  readonly api: KubernetesApi;
  readonly warnings: (uid: string) => readonly WarningEvent[];
  readonly locate: (problem: Problem) => Location | undefined;
  readonly signal: AbortSignal;
}

const MAX_LOGS = 5;
const LOG_LINES = 10;
const LOG_BYTES = 4096;

/** One error that lists everything which is not ready, with its last warnings and, for containers that ran, last log lines. */
export async function notSettled(
  because: string,
  assessment: Assessment,
  context: NotSettledContext,
): Promise<KubefileError> {
  const lines: string[] = [];
  let logs = 0;
  const seen = new Set<string>();
  for (const problem of assessment.problems) {
    const place = locationPrefix(context.locate(problem));
    const container = problem.container === undefined ? "" : ` container ${problem.container.container}`;
    lines.push(`  ${place}${formatObject(problem.object)}${container}: ${problem.reason}: ${problem.message}`);
    if (seen.has(problem.object.uid)) continue;
    seen.add(problem.object.uid);
    for (const { reason, message, count } of newsOf(problem, context.warnings(problem.object.uid))) {
      lines.push(`    event ${reason}${count > 1 ? ` (${count} times)` : ""}: ${message}`);
    }
    if (!hasLog(problem) || logs >= MAX_LOGS) continue;
    logs += 1;
    for (const line of await lastLines(problem, context)) lines.push(`    log ${line}`);
  }
  for (const text of assessment.waiting) lines.push(`  ${text}`);
  const [first] = assessment.problems;
  const where = first === undefined ? undefined : context.locate(first);
  return new KubefileError("NOT_SETTLED", [because, ...lines].join("\n"), {
    hint: "mend what is listed; with --wait=pulled a build accepts pods that wait for something other than an image",
    ...(where === undefined ? {} : { where }),
  });
}

/** The last warnings that say more than the problem itself; each try of a kubelet has another container's id in its words. */
function newsOf(problem: Problem, warnings: readonly WarningEvent[]): readonly WarningEvent[] {
  const plain = (text: string): string => text.replace(/^Error: /, "").replaceAll(/\b[0-9a-f]{64}\b/g, "");
  const told = warnings.filter(({ reason }) => reason !== PULLING);
  const newest = new Map(told.map((event) => [plain(event.message), event]));
  newest.delete(plain(problem.message));
  return [...newest.values()].slice(-3);
}

function hasLog({ object, reason, failedPod }: Problem): boolean {
  if (failedPod !== undefined) return true;
  return object.kind === "Pod" && ["CrashLoopBackOff", "Failed", "Error", "OOMKilled"].includes(reason);
}

/**
 * Of the run before the present one when there was one: that is the one that failed. A node keeps it only until the next
 * one ends, so that the present one's lines have to do where it is gone.
 */
async function lastLines(problem: Problem, context: NotSettledContext): Promise<readonly string[]> {
  const runs = problem.restarts > 0 ? (["previous", "present"] as const) : (["present"] as const);
  let why = "it is empty";
  for (const run of runs) {
    try {
      const lines = await linesOf(problem, run, context);
      const isGone = lines.some((line) => line.startsWith(GONE));
      if (lines.length > 0 && !isGone) return lines;
      if (isGone) why = "the container is gone";
    } catch (error) {
      context.signal.throwIfAborted();
      why = errorMessage(error);
    }
  }
  return why === "it is empty" ? [] : [`could not be read: ${why}`];
}

/** What a kubelet answers, with success, for a container that it no longer has. */
const GONE = "unable to retrieve container logs for ";

async function linesOf(
  { object, failedPod, container }: Problem,
  run: "previous" | "present",
  { api, signal }: NotSettledContext,
): Promise<readonly string[]> {
  const query = new URLSearchParams({ tailLines: String(LOG_LINES), limitBytes: String(LOG_BYTES) });
  if (container !== undefined) query.set("container", container.container);
  if (run === "previous") query.set("previous", "true");
  const pod = failedPod ?? object;
  const path = `/api/v1/namespaces/${pod.namespace ?? "default"}/pods/${pod.name}/log?${query}`;
  const text = await api.text(path, { signal, timeout: 10_000 });
  return text.split("\n").filter((line) => line !== "");
}
