import type { LaunchRecord, PullSecretNeed } from "../cache/types.ts";
import type { Reconciled } from "../capture/reconcile.ts";
import type { Grade } from "../capture/types.ts";
import { parseReference } from "../oci/reference.ts";
import { type BuildParts, noteCapture } from "./build-parts.ts";
import type { RehearsalPlace } from "./rehearsal-records.ts";
import type { Rootfs } from "./rootfs.ts";

export type KnownRehearsal = Extract<RehearsalPlace, { readonly record: LaunchRecord }>;
export type UnknownRehearsal = Exclude<RehearsalPlace, { readonly record: LaunchRecord }>;

/** Takes what an earlier rehearsal of the same launch has found for what this one would find. */
export function useRehearsal(parts: BuildParts, rootfs: Rootfs, { record, from }: KnownRehearsal): Rootfs {
  const { state } = parts;
  state.nodeImage = record.nodeImage;
  state.kubernetesVersion = record.kubernetesVersion;
  state.rehearsal = { state: "cached", from };
  noteCapture(parts, record, record.grade);
  return rootfs;
}

/** Keeps what a rehearsal has found, where the next build looks for it. */
export function keepRehearsal(
  { host, state, saveRecord }: BuildParts,
  { keep }: UnknownRehearsal,
  found: Reconciled & { readonly grade: Grade },
): void {
  if (keep === undefined) return;
  const { nodeImage, kubernetesVersion } = state;
  const pullSecrets = found.images.flatMap(({ reference }): PullSecretNeed[] => {
    const secrets = host.pullSecretsFor(parseReference(reference));
    return secrets.length === 0 ? [] : [{ reference, secrets }];
  });
  const record: LaunchRecord = {
    schemaVersion: 1,
    kind: "launch",
    key: keep.key,
    grade: found.grade,
    ...(nodeImage === undefined ? {} : { nodeImage }),
    ...(kubernetesVersion === undefined ? {} : { kubernetesVersion }),
    images: found.images,
    ...(pullSecrets.length === 0 ? {} : { pullSecrets }),
    onlyRehearsal: found.onlyRehearsal,
    suggestions: found.suggestions,
    warnings: found.warnings,
  };
  saveRecord(record, { replace: keep.replace });
}
