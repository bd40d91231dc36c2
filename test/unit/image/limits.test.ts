import { describe, expect, it } from "vitest";
import type { ImageBlobs } from "../../../src/image/blob-graph.ts";
import { checkLimits, MAX_CLUSTER_DESCRIPTORS, MAX_CLUSTER_MANIFEST_BYTES } from "../../../src/image/limits.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import { OCI_LAYER_GZIP } from "../../../src/oci/media-types.ts";
import { failureOf } from "../../support/failure.ts";

describe("checkLimits", () => {
  const imageOf = (name: string, count: number): ImageBlobs => ({
    reference: `docker.io/library/${name}:1`,
    digest: digestOf(name),
    problems: [],
    blobs: Array.from({ length: count }, (_, number) => {
      return { role: "layer", digest: digestOf(`layer ${number}`), size: 1, mediaType: OCI_LAYER_GZIP };
    }),
  });
  const images = ["a", "b", "c", "d", "e", "f"].map((name, position) => imageOf(name, 10 * (position + 1)));

  it("takes what registries take", () => {
    checkLimits(MAX_CLUSTER_MANIFEST_BYTES, MAX_CLUSTER_DESCRIPTORS, images);
  });

  it("names the five images with the most blobs", async () => {
    expect(await failureOf((async () => checkLimits(1, MAX_CLUSTER_DESCRIPTORS + 1, images))())).toBe(
      [
        "ARTIFACT_TOO_LARGE: the cluster image would have 8001 blobs (at most 8000), which registries refuse; most come from:",
        "  docker.io/library/f:1: 60 blobs",
        "  docker.io/library/e:1: 50 blobs",
        "  docker.io/library/d:1: 40 blobs",
        "  docker.io/library/c:1: 30 blobs",
        "  docker.io/library/b:1: 20 blobs",
      ].join("\n"),
    );
  });
});
