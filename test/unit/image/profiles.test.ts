import { rm } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { assembleClusterImage } from "../../../src/image/assemble.ts";
import { rootfsLayers, totalSize, uploadsOf } from "../../../src/image/cluster-image.ts";
import { inProfile } from "../../../src/image/other-profile.ts";
import { checkWhole, readClusterImage } from "../../../src/image/read.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import { OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST } from "../../../src/oci/media-types.ts";
import { failureOf } from "../../support/failure.ts";
import { put, putJson, sampleOptions, sharedLayer, temporaryStore } from "../../support/sample-images.ts";

describe("the standard profile", () => {
  it("holds the same cluster image with none but OCI's and Docker's media types", async () => {
    const store = await temporaryStore();
    const native = await assembleClusterImage(await sampleOptions(store));
    const standard = await inProfile(store, native, "standard");
    const { bytes: _, descriptor: __, digest, manifest, profile, ...rest } = standard;
    expect(native).toMatchObject(rest);
    expect(digest).toBe("sha256:91547dd386e359a87b4a2398b95935bc6255b007bc8f1e1eb264a62424cbcd45");
    expect(profile).toBe("standard");
    expect(manifest.config.mediaType).toBe(OCI_CONFIG);
    expect(manifest.artifactType).toBeUndefined();
    expect(new Set(manifest.layers.map(({ mediaType }) => mediaType))).toEqual(
      new Set([`${OCI_LAYER}+gzip`, OCI_LAYER, "application/vnd.docker.image.rootfs.diff.tar.gzip"]),
    );
    await checkWhole(store, standard);
  });

  it("has a config that says what an image's config must", async () => {
    const store = await temporaryStore();
    const options = await sampleOptions(store);
    const image = await inProfile(store, await assembleClusterImage(options), "standard");
    expect(JSON.parse((await store.readSmall(image.manifest.config.digest)).toString())).toEqual({
      architecture: "amd64",
      os: "linux",
      config: {},
      rootfs: { type: "layers", diff_ids: options.layers.map(({ diffId }) => diffId) },
    });
  });

  it("turns back into the very same native image", async () => {
    const store = await temporaryStore();
    const native = await assembleClusterImage(await sampleOptions(store));
    const back = await inProfile(store, await inProfile(store, native, "standard"), "native");
    expect(back).toEqual(native);
  });
});

describe("readClusterImage", () => {
  it("gives images and layers as they were put in", async () => {
    const store = await temporaryStore();
    const options = await sampleOptions(store);
    const image = await assembleClusterImage(options);
    expect(image.config.images.map(({ reference, digest }) => [reference, digest])).toEqual(
      options.images.map(({ reference, digest }) => [reference, digest]).sort(),
    );
    expect(rootfsLayers(image).map(({ digest }) => digest)).toEqual(
      options.layers.map(({ descriptor }) => descriptor.digest),
    );
    const sizes = await Promise.all(uploadsOf(image).map(async ({ digest }) => (await store.has(digest))?.size ?? 0));
    expect(totalSize(image)).toBe(sizes.reduce((sum, size) => sum + size, image.bytes.byteLength));
  });

  it("refuses what is no cluster image", async () => {
    const store = await temporaryStore();
    const config = await put(store, OCI_CONFIG, "{}");
    const plain = await putJson(store, OCI_MANIFEST, { config, layers: [] });
    const index = await putJson(store, OCI_INDEX, { manifests: [plain] });
    const text = await put(store, "text/plain", "hello");
    expect(await failureOf(readClusterImage(store, plain.digest, "registry.example/web:1"))).toBe(
      `ARTIFACT_INVALID: registry.example/web:1 is not a cluster image, but "${OCI_CONFIG}"`,
    );
    expect(await failureOf(readClusterImage(store, index.digest))).toContain("is an index of images");
    expect(await failureOf(readClusterImage(store, text.digest))).toContain("ARTIFACT_INVALID: ");
    expect(await failureOf(readClusterImage(store, digestOf("absent")))).toContain("STORE_CORRUPT: ");
  });

  it("refuses a manifest with other rootfs layers than its config says", async () => {
    const store = await temporaryStore();
    const image = await assembleClusterImage(await sampleOptions(store));
    const manifest = JSON.parse(image.bytes.toString());
    const fewer = await put(store, OCI_MANIFEST, JSON.stringify({ ...manifest, layers: manifest.layers.slice(1) }));
    expect(await failureOf(readClusterImage(store, fewer.digest))).toContain("has 1 rootfs layers, its config 2");
  });
});

describe("checkWhole", () => {
  it("names the images that lack a blob, and blobs that the manifest does not list", async () => {
    const store = await temporaryStore();
    const image = await assembleClusterImage(await sampleOptions(store));
    const manifest = JSON.parse(image.bytes.toString());
    const layers = manifest.layers.filter((layer: { digest: string }) => layer.digest !== digestOf("web"));
    const { digest } = await put(store, OCI_MANIFEST, JSON.stringify({ ...manifest, layers }));
    await rm(store.pathOf(digestOf(sharedLayer)));
    await rm(store.pathOf(digestOf("charts")));
    expect((await failureOf(checkWhole(store, await readClusterImage(store, digest)))).split("\n")).toEqual([
      `ARTIFACT_INVALID: cluster image ${digest} is not whole:`,
      `  docker.io/library/redis:7: its layer ${digestOf(sharedLayer)} is missing`,
      `  quay.io/shop/web:1: its layer ${digestOf(sharedLayer)} is missing`,
      `  quay.io/shop/web:1: its layer ${digestOf("web")} is not listed in the manifest`,
      `  rootfs layer ${digestOf("charts")} is missing or has another size`,
    ]);
  });
});
