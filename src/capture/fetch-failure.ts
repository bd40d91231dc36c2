import { errorMessage, KubefileError, type Location } from "../error.ts";
import { formatReference } from "../oci/reference.ts";
import { RegistryError } from "../registry/errors.ts";
import { registryHint } from "../registry/registry-hint.ts";
import type { ImageEntry } from "./image-entries.ts";
import { type ImageObservation, subjectOf } from "./observation.ts";
import { formatObject } from "./owners.ts";

/** An image of the capture that could not be fetched. */
export interface FetchFailure {
  readonly entry: ImageEntry;
  readonly cause: unknown;
}

/** One error for all images that are needed and cannot be had. */
export function fetchFailed(
  failures: readonly FetchFailure[],
  { locate }: { readonly locate?: (observation: ImageObservation) => Location | undefined },
): KubefileError {
  // A cancelled build is no failed pull.
  const cancelled = failures.find(({ cause }) => cause instanceof KubefileError && cause.code === "CANCELLED");
  if (cancelled?.cause instanceof KubefileError) return cancelled.cause;
  const lines = failures.map(({ entry, cause }) => {
    // Of a blob the registry's words do not say that it is one.
    const isBlob = cause instanceof RegistryError && cause.code === "BLOB_UNKNOWN";
    const words = cause instanceof RegistryError && !isBlob ? cause.detail : undefined;
    const detail = words ?? errorMessage(cause);
    return `${formatReference(entry.reference)} (${neededBy(entry)}): ${detail}`;
  });
  const [first] = failures;
  const hints = [...new Set(failures.map(hintOf))];
  const where = first === undefined ? undefined : placeOf(first.entry, locate);
  return new KubefileError(
    "PULL_FAILED",
    lines.length === 1
      ? `cannot fetch ${lines[0]}`
      : `cannot fetch ${lines.length} images:${lines.map((line) => `\n  ${line}`).join("")}`,
    {
      ...(first === undefined ? {} : { hint: hints.join("; "), cause: first.cause }),
      ...(where === undefined ? {} : { where }),
    },
  );
}

function neededBy({ observations, hits, listed }: ImageEntry): string {
  const [seen] = observations.toSorted((one, other) =>
    formatObject(one.object) < formatObject(other.object) ? -1 : 1,
  );
  if (seen !== undefined) return subjectOf(seen);
  const [hit] = hits;
  if (hit !== undefined) return hit.text;
  return listed ? "listed by the user" : "pulled by a node";
}

function placeOf(
  { observations, hits }: ImageEntry,
  locate: ((observation: ImageObservation) => Location | undefined) | undefined,
): Location | undefined {
  for (const seen of inOrder(observations)) {
    const where = locate?.(seen);
    if (where !== undefined) return where;
  }
  return hits[0]?.where;
}

function inOrder(observations: readonly ImageObservation[]): readonly ImageObservation[] {
  return observations.toSorted((one, other) => (formatObject(one.object) < formatObject(other.object) ? -1 : 1));
}

function hintOf({ entry, cause }: FetchFailure): string {
  // It was fetched, and is not what a node could run.
  if (cause instanceof KubefileError)
    return cause.hint ?? "push the image again with a current tool, or leave it out with --exclude";
  const status = cause instanceof RegistryError ? cause.status : undefined;
  return registryHint({ status, words: errorMessage(cause) }, entry.reference.host, "image");
}
