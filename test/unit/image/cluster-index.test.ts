import { describe, expect, test } from "vitest";
import type { Grade } from "../../../src/capture/types.ts";
import { assembleClusterImage } from "../../../src/image/assemble.ts";
import type { ClusterImage } from "../../../src/image/cluster-image.ts";
import { leastGrade, platformReference, platformTag, writeClusterIndex } from "../../../src/image/cluster-index.ts";
import { inProfile } from "../../../src/image/other-profile.ts";
import type { Platform } from "../../../src/oci/descriptor.ts";
import { parseManifest } from "../../../src/oci/manifest.ts";
import { parseReference } from "../../../src/oci/reference.ts";
import type { Store } from "../../../src/store/types.ts";
import { amd64, arm64, sampleDescription, temporaryStore } from "../../support/sample-images.ts";

async function imageFor(store: Store, platform: Platform, grade: Grade, revision = "1"): Promise<ClusterImage> {
  return assembleClusterImage({
    ...{ store, platform, layers: [], images: [] },
    config: { ...sampleDescription, grade },
    annotations: { source: "https://example.com/shop", revision },
  });
}

describe("an index over cluster images", () => {
  test("has these bytes, in whatever order the images are named", async () => {
    const store = await temporaryStore();
    const images = [await imageFor(store, arm64, "static"), await imageFor(store, amd64, "ready")];
    const index = writeClusterIndex(images);
    expect(writeClusterIndex(images.toReversed()).bytes).toEqual(index.bytes);
    expect(index.digest).toBe("sha256:cb596c1953d19d5a9395e180927074bf745a3fe6ae700c65edcff94ec0e96cc9");
    expect(JSON.parse(index.bytes.toString())).toEqual({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.index.v1+json",
      manifests: [
        expect.objectContaining({ platform: amd64, annotations: { "vnd.kubefile.grade": "ready" } }),
        expect.objectContaining({ platform: arm64, annotations: { "vnd.kubefile.grade": "static" } }),
      ],
      annotations: {
        "org.opencontainers.image.revision": "1",
        "org.opencontainers.image.source": "https://example.com/shop",
        "vnd.kubefile.artifact-type": "application/vnd.kubefile.cluster.v1",
        "vnd.kubefile.not-rehearsed": "linux/arm64",
      },
    });
    expect(parseManifest(index.bytes)).toMatchObject({
      kind: "index",
      manifests: index.images.map(({ digest }) => ({ digest })),
    });
  });

  test("says of their origin what they agree on, and nothing of rehearsals when each had one", async () => {
    const store = await temporaryStore();
    const images = [await imageFor(store, amd64, "ready", "1"), await imageFor(store, arm64, "pulled", "2")];
    const { bytes } = writeClusterIndex(images);
    expect(Object.keys(JSON.parse(bytes.toString()).annotations)).toEqual([
      "org.opencontainers.image.source",
      "vnd.kubefile.artifact-type",
    ]);
    expect(leastGrade(images)).toBe("pulled");
  });

  test("is the same over images of the standard profile, but for their digests", async () => {
    const store = await temporaryStore();
    const native = [await imageFor(store, amd64, "ready"), await imageFor(store, arm64, "ready")];
    const standard = await Promise.all(native.map((image) => inProfile(store, image, "standard")));
    const [one, other] = [native, standard].map((images) => JSON.parse(writeClusterIndex(images).bytes.toString()));
    expect(other.annotations).toEqual(one.annotations);
    expect(Object.keys(other.manifests[0])).toEqual(Object.keys(one.manifests[0]));
  });
});

test("each image has a tag of its own beside that of the index", () => {
  expect(platformTag("1.0", amd64)).toBe("1.0-amd64");
  expect(platformTag("1.0", { os: "linux", architecture: "arm", variant: "v7" })).toBe("1.0-arm-v7");
  expect(platformReference(parseReference("registry.example/shop:1"), arm64)).toEqual(
    parseReference("registry.example/shop:1-arm64"),
  );
  expect(() => platformTag("x".repeat(125), amd64)).toThrow(expect.objectContaining({ code: "USAGE" }));
});
