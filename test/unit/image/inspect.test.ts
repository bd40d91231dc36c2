import { describe, expect, it } from "vitest";
import { assembleClusterImage } from "../../../src/image/assemble.ts";
import { inspectClusterImage } from "../../../src/image/inspect.ts";
import { formatIndexInspection, inspectIndex } from "../../../src/image/inspect-index.ts";
import { formatInspection } from "../../../src/image/inspect-text.ts";
import { OCI_INDEX } from "../../../src/oci/media-types.ts";
import { sampleOptions, sharedLayer, temporaryStore } from "../../support/sample-images.ts";

describe("inspectClusterImage", () => {
  it("counts shared layers once in the whole, and in each image", async () => {
    const store = await temporaryStore();
    const options = await sampleOptions(store);
    const inspection = await inspectClusterImage(store, await assembleClusterImage(options));
    expect(inspection.images.separateSize - inspection.images.size).toBe(sharedLayer.length);
    expect(
      inspection.images.list.map(({ reference, size, ownSize, layers }) => [reference, size - ownSize, layers]),
    ).toEqual([
      ["docker.io/library/redis:7", sharedLayer.length, 2],
      ["quay.io/shop/web:1", sharedLayer.length, 2],
    ]);
    const sizes = new Map(options.images.map(({ reference, size }) => [reference, size]));
    for (const { reference, size } of inspection.images.list) expect(size).toBe(sizes.get(reference));
  });

  it("shows the digests of an index whole, however narrow the terminal", async () => {
    const image = await assembleClusterImage(await sampleOptions(await temporaryStore()));
    const { digest } = image;
    const manifest = { kind: "index", mediaType: OCI_INDEX, manifests: [], annotations: {} } as const;
    const inspection = inspectIndex({ name: "registry.example/shop:1", digest, manifest, images: [image] });
    const text = formatIndexInspection(inspection, { color: false, width: 60 });
    expect(text).toContain("Index of 1 platform\n");
    expect(text.split(digest)).toHaveLength(3);
  });

  it("is readable", async () => {
    const store = await temporaryStore();
    const image = await assembleClusterImage(await sampleOptions(store));
    const inspection = await inspectClusterImage(store, image, "registry.example/shop:1");
    expect(`\n${formatInspection(inspection, { color: false })}`).toMatchInlineSnapshot(`
      "
      registry.example/shop:1
        digest     sha256:c2dd61c41fc866860a22aee1d1ab18be08edaf7c43eac77cd1df205c00dc3e99
        platform   linux/amd64, Kubernetes v1.34.4
        grade      ready (every pod of the launch became ready)
        network    not needed
        size       5.7 KiB
        rootfs     15 B in 2 layers
        images     1.9 KiB in 2 images, 35 B saved by sharing layers
        maintainer shop@example.com

      Launch
        kubectl apply -f manifests/shop.yaml  Kubefile:12, app shop

      Apps
        NAME  TYPE  KIND  LAUNCHED  FILES
        shop  kube  app   yes       manifests/shop.yaml

      Rootfs
        LAYER         SIZE
        c7af7c7a948d   9 B
        38edf99fd464   6 B

      Images
        REFERENCE                  DIGEST        LAYERS     SIZE      OWN
        docker.io/library/redis:7  ec74a932b4ce       2    732 B    697 B
        quay.io/shop/web:1         2db35cbe24cf       2  1.2 KiB  1.2 KiB

      Environment
        REPLICAS=2

      Labels
        team=shop

      Annotations
        org.opencontainers.image.created=2024-01-01T00:00:00Z
        org.opencontainers.image.source=https://example.com/shop
      "
    `);
  });

  it("lets nothing in a config act on the terminal", async () => {
    const store = await temporaryStore();
    const options = await sampleOptions(store);
    const hostile = "a\u001b[2J\nb";
    const launch = { commands: [{ command: hostile, directory: hostile, env: {}, source: "Kubefile:1" }] };
    const config = { ...options.config, env: { HOSTILE: hostile }, labels: { [hostile]: hostile }, launch };
    const image = await assembleClusterImage({ ...options, config, annotations: { source: hostile } });
    const text = formatInspection(await inspectClusterImage(store, image, hostile), { color: false });
    expect(text).not.toContain("\u001b");
    expect(text).toContain("HOSTILE=a [2J b");
  });
});
