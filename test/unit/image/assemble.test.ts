import { readFile, rm, writeFile } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CapturedImage } from "../../../src/capture/types.ts";
import { assembleClusterImage } from "../../../src/image/assemble.ts";
import { rootfsLayers, uploadsOf } from "../../../src/image/cluster-image.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import { DOCKER_MANIFEST, OCI_MANIFEST } from "../../../src/oci/media-types.ts";
import { failureOf } from "../../support/failure.ts";
import {
  amd64,
  arm64,
  put,
  putImage,
  putJson,
  putRootfsLayer,
  sampleOptions,
  sharedLayer,
  temporaryStore,
} from "../../support/sample-images.ts";

describe("assembleClusterImage", () => {
  it("writes these bytes, on every machine", async () => {
    const image = await assembleClusterImage(await sampleOptions(await temporaryStore()));
    expect(image.digest).toBe("sha256:c2dd61c41fc866860a22aee1d1ab18be08edaf7c43eac77cd1df205c00dc3e99");
    expect(JSON.parse(image.bytes.toString())).toMatchInlineSnapshot(`
      {
        "annotations": {
          "org.opencontainers.image.created": "2024-01-01T00:00:00Z",
          "org.opencontainers.image.source": "https://example.com/shop",
        },
        "artifactType": "application/vnd.kubefile.cluster.v1",
        "config": {
          "digest": "sha256:28a4144fe26057f7f4ea7c3b12a43aa1d19a366920ba3e1d66d62c3f8ac54637",
          "mediaType": "application/vnd.kubefile.cluster.config.v1+json",
          "size": 1028,
        },
        "layers": [
          {
            "annotations": {
              "vnd.kubefile.role": "rootfs",
            },
            "digest": "sha256:c7af7c7a948db8800f71f26f3c90280cf09dfc3141b72318c5ff31ffc9470a59",
            "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
            "size": 9,
          },
          {
            "annotations": {
              "vnd.kubefile.role": "rootfs",
            },
            "digest": "sha256:38edf99fd46462465404fefea8ac5bd0372e0963c7884c2b9ebfe0a88912c2f7",
            "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
            "size": 6,
          },
          {
            "annotations": {
              "vnd.kubefile.media-type": "application/vnd.docker.distribution.manifest.list.v2+json",
              "vnd.kubefile.role": "index",
            },
            "digest": "sha256:2db35cbe24cfeee20d0255b85df13d786e7fd881d9ad7e7b7e5a5e43815cd10e",
            "mediaType": "application/vnd.kubefile.cluster.index.v1+json",
            "size": 527,
          },
          {
            "annotations": {
              "vnd.kubefile.media-type": "application/vnd.docker.distribution.manifest.v2+json",
              "vnd.kubefile.role": "manifest",
            },
            "digest": "sha256:13b95ac8c9b87d88db717222ef6480971f7436d277c2106c3b4bbb6f9d12ab9d",
            "mediaType": "application/vnd.kubefile.cluster.manifest.v1+json",
            "size": 580,
          },
          {
            "annotations": {
              "vnd.kubefile.media-type": "application/vnd.oci.image.manifest.v1+json",
              "vnd.kubefile.role": "manifest",
            },
            "digest": "sha256:ec74a932b4ce419ec92df61e6a605c768bc77f57fe90d4f20ea937b2e9f9d1c1",
            "mediaType": "application/vnd.kubefile.cluster.manifest.v1+json",
            "size": 552,
          },
          {
            "annotations": {
              "vnd.kubefile.media-type": "application/vnd.oci.image.config.v1+json",
              "vnd.kubefile.role": "config",
            },
            "digest": "sha256:737a57d75c8dee195378a628c6f7535f04eddca68898e4bbf1219e9a86a8c55f",
            "mediaType": "application/vnd.kubefile.cluster.image-config.v1+json",
            "size": 140,
          },
          {
            "annotations": {
              "vnd.kubefile.media-type": "application/vnd.docker.container.image.v1+json",
              "vnd.kubefile.role": "config",
            },
            "digest": "sha256:7fe7c3607e61639596382d5a3fef2a67ab965eece8970ea76c5dcd501ff637b1",
            "mediaType": "application/vnd.kubefile.cluster.image-config.v1+json",
            "size": 133,
          },
          {
            "annotations": {
              "vnd.kubefile.role": "layer",
            },
            "digest": "sha256:34fb46c847bb9df96e5205a39d382f648a6e8dce1e014cd85b4ca6a88d88ed03",
            "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
            "size": 5,
          },
          {
            "annotations": {
              "vnd.kubefile.role": "layer",
            },
            "digest": "sha256:4b5e57f6eb2f42b9039b3d1e13929295f231749c510cbe341cd68036d9af97e2",
            "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
            "size": 3,
          },
          {
            "annotations": {
              "vnd.kubefile.role": "layer",
            },
            "digest": "sha256:9d50879162d5e4cea95d728c4ddf72fd82c4682f9090981d28458beacb47cd41",
            "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
            "size": 35,
          },
        ],
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "schemaVersion": 2,
      }
    `);
  });

  it("puts manifest and config into the store", async () => {
    const store = await temporaryStore();
    const image = await assembleClusterImage(await sampleOptions(store));
    expect(await store.readSmall(image.digest)).toEqual(image.bytes);
    expect(JSON.parse((await store.readSmall(image.configBlob.digest)).toString())).toEqual(image.config);
  });

  it("does not depend on the order of images, on other blobs, or on derived fields of the config", async () => {
    const first = await assembleClusterImage(await sampleOptions(await temporaryStore()));
    const store = await temporaryStore();
    await putImage(store, { reference: "docker.io/library/other:1", layers: ["other"] });
    await put(store, "text/plain", "docker.io/library/redis:7 elsewhere");
    const options = await sampleOptions(store);
    const second = await assembleClusterImage({
      ...options,
      config: first.config,
      images: options.images.toReversed(),
    });
    expect(second.digest).toBe(first.digest);
  });

  it("gives one digest for every order of capture", async () => {
    const store = await temporaryStore();
    const options = await sampleOptions(store);
    const references = ["a/one:1", "a/one:2", "b/two:1", "c/three:1"].map((name) => `registry.example/${name}`);
    const images: CapturedImage[] = [];
    for (const [number, reference] of references.entries()) {
      images.push(
        await putImage(store, { reference, layers: [sharedLayer, `own ${number}`], docker: number % 2 === 0 }),
      );
    }
    const digests = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(images, { minLength: images.length }), async (shuffled) => {
        digests.add((await assembleClusterImage({ ...options, images: shuffled })).digest);
      }),
      { numRuns: 20 },
    );
    expect([...digests]).toHaveLength(1);
  });

  it("writes the same bytes when layers and configs are known to be elsewhere", async () => {
    const store = await temporaryStore();
    const options = await sampleOptions(store);
    const whole = await assembleClusterImage(options);
    const absent = new Set([digestOf(sharedLayer), digestOf("charts"), digestOf("web")]);
    for (const digest of absent) await rm(store.pathOf(digest));
    const image = await assembleClusterImage({ ...options, isElsewhere: (digest) => absent.has(digest) });
    expect(image.bytes).toEqual(whole.bytes);
    absent.delete(digestOf("web"));
    expect(await failureOf(assembleClusterImage({ ...options, isElsewhere: (digest) => absent.has(digest) }))).toMatch(
      new RegExp(`:\n  quay.io/shop/web:1: its layer ${digestOf("web")} is missing`),
    );
  });

  it("lists a shared layer once, under one name", async () => {
    const image = await assembleClusterImage(await sampleOptions(await temporaryStore()));
    const shared = image.blobs.filter(({ digest }) => digest === digestOf(sharedLayer));
    expect(shared.map(({ mediaType }) => mediaType)).toEqual(["application/vnd.docker.image.rootfs.diff.tar.gzip"]);
    expect(new Set(uploadsOf(image).map(({ digest }) => digest)).size).toBe(uploadsOf(image).length);
  });

  it("lists a layer that is also the rootfs's once, and keeps a rootfs layer that is applied twice", async () => {
    const store = await temporaryStore();
    const layer = await putRootfsLayer(store, "both");
    const images = [await putImage(store, { reference: "docker.io/library/app:1", layers: ["both"] })];
    const options = {
      ...(await sampleOptions(store)),
      layers: [layer, await putRootfsLayer(store, "top"), layer],
      images,
    };
    const image = await assembleClusterImage(options);
    expect(rootfsLayers(image).map(({ digest }) => digest)).toEqual(
      ["both", "top", "both"].map((content) => digestOf(content)),
    );
    expect(image.blobs.filter(({ role }) => role === "layer")).toEqual([]);
  });

  it("has one layer when there is neither rootfs nor image, and no empty blob ever", async () => {
    const store = await temporaryStore();
    const options = await sampleOptions(store);
    const bare = await assembleClusterImage({ ...options, layers: [], images: [] });
    expect(bare.manifest.layers).toEqual([
      { mediaType: "application/vnd.oci.empty.v1+json", digest: digestOf("{}"), size: 2 },
    ]);
    expect(bare.blobs).toEqual([]);
    expect(await store.has(digestOf("{}"))).toEqual({ size: 2 });
    const hollow = await putImage(store, { reference: "docker.io/library/hollow:1", layers: [""] });
    const image = await assembleClusterImage({ ...options, images: [hollow] });
    expect(image.blobs.filter(({ size }) => size === 0)).toEqual([]);
  });

  it("takes layer types that mean something to registries by a name of its own", async () => {
    const store = await temporaryStore();
    const types = [
      OCI_MANIFEST,
      "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
      "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
      "not a media type",
      "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
    ];
    const layers = await Promise.all(types.map((type) => put(store, type, `content of ${type}`)));
    const config = await put(store, "application/vnd.cncf.helm.config.v1+json", "{}");
    const manifest = await putJson(store, OCI_MANIFEST, { config, layers });
    const images = [{ reference: "docker.io/library/odd:1", ...manifest, reasons: [] }];
    const image = await assembleClusterImage({ ...(await sampleOptions(store)), images });
    const written = new Map(image.manifest.layers.map((layer) => [layer.digest, layer.mediaType]));
    const own = "application/vnd.kubefile.cluster.layer.v1";
    expect(layers.map(({ digest }) => written.get(digest))).toEqual([own, own, own, own, types[4]]);
    const read = new Map(image.blobs.map((blob) => [blob.digest, blob.mediaType]));
    expect(layers.map(({ digest }) => read.get(digest))).toEqual(types);
  });

  describe("refuses", () => {
    it("images with absent blobs, naming image and digest, all at once", async () => {
      const store = await temporaryStore();
      const options = await sampleOptions(store);
      await rm(store.pathOf(digestOf(sharedLayer)));
      await rm(store.pathOf(digestOf("charts")));
      expect(await failureOf(assembleClusterImage(options))).toBe(
        [
          `CAPTURE_INCOMPLETE: the cluster image cannot be assembled from ${store.directory}:`,
          `  docker.io/library/redis:7: its layer ${digestOf(sharedLayer)} is missing`,
          `  quay.io/shop/web:1: its layer ${digestOf(sharedLayer)} is missing`,
          `  rootfs layer ${digestOf("charts")} is missing`,
        ].join("\n"),
      );
    });

    it("an image whose manifest is absent", async () => {
      const store = await temporaryStore();
      const options = await sampleOptions(store);
      const redis = options.images[1]?.digest ?? digestOf("");
      await rm(store.pathOf(redis));
      expect(await failureOf(assembleClusterImage(options))).toContain(
        `CAPTURE_INCOMPLETE: the cluster image cannot be assembled from ${store.directory}:\n  docker.io/library/redis:7: its manifest ${redis} is missing`,
      );
    });

    it("blobs of another size and manifests of other content", async () => {
      const store = await temporaryStore();
      const options = await sampleOptions(store);
      const redis = store.pathOf(options.images[1]?.digest ?? digestOf(""));
      await writeFile(store.pathOf(digestOf("web")), "longer than it was");
      await writeFile(redis, (await readFile(redis, "utf8")).replace('"size":5', '"size":6'));
      const message = await failureOf(assembleClusterImage(options));
      expect(message).toContain(`STORE_CORRUPT: `);
      expect(message).toContain(`quay.io/shop/web:1: its layer ${digestOf("web")} has 18 bytes, its manifest says 3`);
      expect(message).toContain(`docker.io/library/redis:7: its manifest ${options.images[1]?.digest} is corrupt`);
    });

    it("an image without this platform", async () => {
      const store = await temporaryStore();
      const web = { reference: "docker.io/library/web:1", layers: ["web"], index: true, platform: arm64 };
      const options = { ...(await sampleOptions(store)), images: [await putImage(store, web)] };
      expect(await failureOf(assembleClusterImage(options))).toContain(
        "docker.io/library/web:1: it has no image for linux/amd64, only for linux/arm64, linux/arm64",
      );
    });

    it("a name that was captured with two digests", async () => {
      const store = await temporaryStore();
      const reference = "docker.io/library/web:1";
      const first = await putImage(store, { reference, layers: ["one"] });
      const second = await putImage(store, { reference, layers: ["two"] });
      const options = { ...(await sampleOptions(store)), images: [first, second] };
      expect(await failureOf(assembleClusterImage(options))).toBe(
        `CAPTURE_INCOMPLETE: ${reference} was captured as ${first.digest} and as ${second.digest}`,
      );
    });

    it("indexes nested without end", async () => {
      const store = await temporaryStore();
      let inner = await putJson(store, DOCKER_MANIFEST, { config: await put(store, "text/plain", "{}"), layers: [] });
      for (let depth = 0; depth < 12; depth += 1) {
        inner = await putJson(store, "application/vnd.oci.image.index.v1+json", {
          manifests: [{ ...inner, platform: amd64 }],
        });
      }
      const images = [{ reference: "docker.io/library/deep:1", ...inner, reasons: [] }];
      expect(await failureOf(assembleClusterImage({ ...(await sampleOptions(store)), images }))).toContain(
        "docker.io/library/deep:1: its indexes are nested more than 8 deep",
      );
    });

    it("a launch that leaves the rootfs", async () => {
      const options = await sampleOptions(await temporaryStore());
      const [command] = options.config.launch.commands;
      const commands = [{ ...command, command: "ls", directory: "../..", env: {}, source: "Kubefile:1" }];
      expect(
        await failureOf(assembleClusterImage({ ...options, config: { ...options.config, launch: { commands } } })),
      ).toContain(
        "ARTIFACT_INVALID: the cluster image's config is not valid:\n  /launch/commands/0/directory must match pattern",
      );
    });

    it("a manifest larger than registries take, naming the largest contributors", async () => {
      const options = await sampleOptions(await temporaryStore());
      const annotations = { source: "x".repeat(4_000_000) };
      const message = await failureOf(assembleClusterImage({ ...options, annotations }));
      expect(message.replace(/\d{7} bytes/, "N bytes").split("\n")).toEqual([
        "ARTIFACT_TOO_LARGE: the cluster image would have a manifest of N bytes (at most 3670016), which registries refuse; most come from:",
        "  quay.io/shop/web:1: 5 blobs",
        "  docker.io/library/redis:7: 4 blobs",
      ]);
    });
  });
});
