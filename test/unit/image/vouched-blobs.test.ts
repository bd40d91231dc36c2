import { describe, expect, it } from "vitest";
import { assembleClusterImage } from "../../../src/image/assemble.ts";
import { type ClusterImage, uploadsOf } from "../../../src/image/cluster-image.ts";
import { vouchedBlobs } from "../../../src/image/vouched-blobs.ts";
import { type Digest, digestOf } from "../../../src/oci/digest.ts";
import { OCI_INDEX, OCI_MANIFEST } from "../../../src/oci/media-types.ts";
import { disposal } from "../../support/disposal.ts";
import { type FixtureRegistry, startFixtureRegistry } from "../../support/fixture-registry.ts";
import { amd64, arm64, putImage, sampleOptions, temporaryStore } from "../../support/sample-images.ts";
import { upstreamClient } from "../../support/upstream-client.ts";

const closing = disposal();

/** A cluster image of so many layers in one captured image, and a registry that knows none of it. */
async function start(layers = 2) {
  const store = await temporaryStore();
  const contents = Array.from({ length: layers }, (_, number) => `layer ${number}`);
  const images = [await putImage(store, { reference: "quay.io/shop/web:1", layers: contents })];
  const image = await assembleClusterImage({ ...(await sampleOptions(store)), images });
  const registry = closing(await startFixtureRegistry());
  const client = closing(upstreamClient());
  const repository = { host: registry.host, path: "team/shop" };
  const vouched = (tags: readonly string[]) => vouchedBlobs({ client, repository, tags }, image);
  return { registry, image, vouched };
}

function serve(registry: FixtureRegistry, reference: string, manifest: object, mediaType = OCI_MANIFEST): Digest {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...manifest }));
  for (const name of [reference, digestOf(bytes)]) registry.putBytes("team/shop", name, mediaType, bytes);
  return digestOf(bytes);
}

function descriptor(digest: Digest, change: object = {}) {
  return { mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest, size: 1, ...change };
}

/** A manifest with the image's first blobs. */
function sharing(image: ClusterImage, count: number) {
  const [config, ...layers] = uploadsOf(image)
    .slice(0, count)
    .map(({ digest }) => descriptor(digest));
  return { config, layers };
}

describe("vouchedBlobs", () => {
  it("takes the word of the image's own manifest for all of it", async () => {
    const { registry, image, vouched } = await start();
    registry.putBytes("team/shop", image.digest, OCI_MANIFEST, image.bytes);
    const { isThere, blobs } = await vouched(["1"]);
    expect({ isThere, blobs: [...blobs] }).toEqual({
      isThere: true,
      blobs: uploadsOf(image).map(({ digest }) => digest),
    });
    expect(registry.requests).toHaveLength(2);
  });

  it("takes the word of what the tags stand for now", async () => {
    const { registry, image, vouched } = await start();
    serve(registry, "1", sharing(image, 3));
    const { isThere, blobs } = await vouched(["1", "2"]);
    expect(isThere).toBe(false);
    expect([...blobs]).toEqual(
      uploadsOf(image)
        .slice(0, 3)
        .map(({ digest }) => digest),
    );
  });

  it("looks into an index for the image of its platform", async () => {
    const { registry, image, vouched } = await start();
    const mine = serve(registry, "mine", sharing(image, 3));
    const other = serve(registry, "other", { config: descriptor(digestOf("config")), layers: [] });
    const manifests = [
      { mediaType: OCI_MANIFEST, digest: other, size: 1, platform: arm64 },
      { mediaType: OCI_MANIFEST, digest: mine, size: 1, platform: amd64 },
    ];
    serve(registry, "1", { manifests }, OCI_INDEX);
    expect((await vouched(["1"])).blobs.size).toBe(3);
  });

  it("asks moving tags only when there is much that it does not know", async () => {
    const few = await start();
    await few.vouched(["sha-1"]);
    expect(few.registry.requests.join()).not.toMatch(/edge|latest/);

    const many = await start(40);
    serve(many.registry, "edge", sharing(many.image, 35));
    expect((await many.vouched(["sha-1"])).blobs.size).toBe(35);
    expect(many.registry.requests.filter((line) => line.startsWith("GET"))).toEqual([
      `GET team/shop/manifests/${many.image.digest}`,
      "GET team/shop/manifests/sha-1",
      "GET team/shop/manifests/edge",
    ]);
  });

  it("takes no word for layers that may be absent", async () => {
    const { registry, image, vouched } = await start();
    const [config, urls, foreign, plain] = uploadsOf(image).map(({ digest }) => digest);
    if (config === undefined || urls === undefined || foreign === undefined || plain === undefined) throw new Error();
    serve(registry, "1", {
      config: descriptor(config),
      layers: [
        descriptor(urls, { urls: ["https://elsewhere.example/layer"] }),
        descriptor(foreign, { mediaType: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip" }),
        descriptor(plain),
      ],
    });
    expect([...(await vouched(["1"])).blobs]).toEqual([config, plain]);
  });

  it.each([401, 403, 404])("goes without it where the registry says %d", async (status) => {
    const { registry, vouched } = await start();
    registry.disturb(/manifests/, { status, times: 100 });
    expect(await vouched(["1"])).toEqual({ isThere: false, blobs: new Set() });
  });

  it("goes without it where the manifest is none", async () => {
    const { registry, vouched } = await start();
    registry.putBytes("team/shop", "1", OCI_MANIFEST, Buffer.from("{}"));
    expect((await vouched(["1"])).blobs.size).toBe(0);
  });

  it("fails where the registry does", async () => {
    const { registry, vouched } = await start();
    registry.disturb(/manifests/, { status: 500, times: 100 });
    await expect(vouched(["1"])).rejects.toMatchObject({ name: "RegistryError", status: 500 });
  });
});
