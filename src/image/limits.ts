import { KubefileError } from "../error.ts";
import type { ImageBlobs } from "./blob-graph.ts";

/** Registries and containerd stop at 4 MiB; the rest is room for annotations that a registry's copy may add. */
export const MAX_CLUSTER_MANIFEST_BYTES = 3.5 * 1024 * 1024;
export const MAX_CLUSTER_DESCRIPTORS = 8_000;

/** @throws KubefileError ARTIFACT_TOO_LARGE, with the images that have the most blobs */
export function checkLimits(manifestBytes: number, descriptors: number, images: readonly ImageBlobs[]): void {
  const excess: string[] = [];
  if (manifestBytes > MAX_CLUSTER_MANIFEST_BYTES) {
    excess.push(`a manifest of ${manifestBytes} bytes (at most ${MAX_CLUSTER_MANIFEST_BYTES})`);
  }
  if (descriptors > MAX_CLUSTER_DESCRIPTORS) excess.push(`${descriptors} blobs (at most ${MAX_CLUSTER_DESCRIPTORS})`);
  if (excess.length === 0) return;
  const largest = images
    .map(({ reference, blobs }) => ({ reference, count: new Set(blobs.map(({ digest }) => digest)).size }))
    .sort((left, right) => right.count - left.count || (left.reference < right.reference ? -1 : 1))
    .slice(0, 5)
    .map(({ reference, count }) => `  ${reference}: ${count} blobs`);
  throw new KubefileError(
    "ARTIFACT_TOO_LARGE",
    [`the cluster image would have ${excess.join(" and ")}, which registries refuse; most come from:`, ...largest].join(
      "\n",
    ),
    { hint: "squash the layers of these images, or split the application into several cluster images" },
  );
}
