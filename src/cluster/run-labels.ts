import { formatIdentity, type ProcessIdentity } from "../process/process-identity.ts";
import type { Run } from "./run-state.ts";

/** On every network and container of ours. */
export const runLabel = "kubefile.run";
/** Who made it, so that a start that does not know the state file can still tell whether the owner lives. */
export const ownerLabel = "kubefile.owner";
/** Set when it may be meant to outlive its owner, which only the state file knows for sure. */
export const keepLabel = "kubefile.keep";
/** The name of a preview that stays, and the time (RFC 3339) from which on anybody may remove it. */
export const previewLabel = "kubefile.preview";
export const expiresLabel = "kubefile.expires";
/** In the environment of every program that works for a run, so that one which outlives its owner can be found. */
export const runVariable = "KUBEFILE_RUN";
/** kind's own, on every node. */
export const kindClusterLabel = "io.x-k8s.kind.cluster";

/** What the variable says: of a name that users choose there may be several runs, one after the other. */
export function runMark(runId: string, owner: ProcessIdentity): string {
  return `${runId} ${formatIdentity(owner)}`;
}

/** The arguments that label what `docker create` or `docker network create` makes. */
export function labelArguments(run: Run): string[] {
  const { runId, owner, keep, lasting } = run.state;
  const labels = [`${runLabel}=${runId}`, `${ownerLabel}=${formatIdentity(owner)}`];
  if (keep !== "never") labels.push(`${keepLabel}=true`);
  if (lasting !== undefined) labels.push(`${previewLabel}=${lasting.name}`, `${expiresLabel}=${lasting.expires}`);
  return labels.flatMap((label) => ["--label", label]);
}
