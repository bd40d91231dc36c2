import { rm } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { beforeEach, describe, expect, test } from "vitest";
import { digestOf, parseDigest } from "../../../src/oci/digest.ts";
import type { Repository } from "../../../src/oci/reference.ts";
import { type ArtifactSource, createArtifactSource } from "../../../src/registry/artifact-source.ts";
import { openStore } from "../../../src/store/store.ts";
import type { Store } from "../../../src/store/types.ts";
import { disposal } from "../../support/disposal.ts";
import { buildImage, buildIndex, buildLayer, type Image } from "../../support/image-builder.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const closing = disposal();
const temporaryDirectory = temporaryDirectories();
const web = { host: "docker.io", path: "shop/web" };
const secret = { host: "registry.example:5000", path: "shop/secret" };

let store: Store;
let webImage: Image;
let otherPlatform: Image;
let webIndex: Image;
let secretImage: Image;
let source: ArtifactSource;

beforeEach(async () => {
  store = closing(await openStore(await temporaryDirectory()));
  webImage = await image("web", "amd64");
  otherPlatform = await image("web", "arm64");
  webIndex = buildIndex("oci", [webImage, otherPlatform]);
  secretImage = await image("secret", "amd64");
  for (const { bytes } of [...webImage.blobs, webIndex.root, ...secretImage.blobs]) await store.write(bytes);
  source = createArtifactSource({
    store,
    images: [
      held("docker.io/shop/web:1", webIndex),
      held(`docker.io/shop/web@${webImage.root.digest}`, webImage),
      held(`registry.example:5000/shop/secret:2@${secretImage.root.digest}`, secretImage),
    ],
  });
});

function held(reference: string, { root }: Image) {
  return { reference, digest: parseDigest(root.digest), mediaType: root.mediaType };
}

async function image(text: string, architecture: string): Promise<Image> {
  const layer = await buildLayer([{ path: text, content: `${text} for ${architecture}` }]);
  return buildImage({ format: "oci", layers: [layer], entrypoint: ["/x"], platform: { os: "linux", architecture } });
}

const blobsOf = ({ blobs, root }: Image): string[] =>
  blobs.map(({ digest }) => digest).filter((digest) => digest !== root.digest);

describe("what the cluster image holds", () => {
  test.each<[string, () => [Repository, string, Image]]>([
    ["a tag", () => [web, "1", webIndex]],
    ["a digest", () => [web, webImage.root.digest, webImage]],
    ["the digest that a tag stands for", () => [web, webIndex.root.digest, webIndex]],
    ["a reference that had both, by tag", () => [secret, "2", secretImage]],
    ["a reference that had both, by digest", () => [secret, secretImage.root.digest, secretImage]],
  ])("is served by %s, byte for byte", async (_name, asked) => {
    const [repository, reference, { root }] = asked();
    expect(await source.manifest(repository, reference, {})).toEqual({
      digest: root.digest,
      mediaType: root.mediaType,
      bytes: root.bytes,
    });
  });

  test("a tag, which another reference names with the digest of an earlier time, as it was captured", async () => {
    const earlier = await image("earlier web", "amd64");
    for (const { bytes } of earlier.blobs) await store.write(bytes);
    const images = [
      held("docker.io/shop/web:1", webIndex),
      held(`docker.io/shop/web:1@${earlier.root.digest}`, earlier),
    ];
    for (const order of [images, images.toReversed()]) {
      const both = createArtifactSource({ store, images: order });
      expect(await both.manifest(web, "1", {})).toMatchObject({ digest: webIndex.root.digest });
      expect(await both.manifest(web, earlier.root.digest, {})).toMatchObject({ digest: earlier.root.digest });
    }
  });

  test("with its configs and layers", async () => {
    for (const digest of blobsOf(webImage)) {
      const { size, start, end, stream } = await source.blob(web, parseDigest(digest), {});
      expect({ start, end }).toEqual({ start: 0, end: size });
      expect(digestOf(await buffer(stream))).toBe(digest);
    }
    expect(source.missing).toEqual([]);
  });
});

describe("what it does not hold is refused by name and remembered", () => {
  test("another tag", async () => {
    await expect(source.manifest(web, "9", {})).rejects.toMatchObject({
      status: 404,
      code: "MANIFEST_UNKNOWN",
      message: `the cluster image does not hold docker.io/shop/web:9; it holds only docker.io/shop/web:1, docker.io/shop/web@${webImage.root.digest}`,
    });
    await expect(source.manifest(web, "9", {})).rejects.toThrow();
    expect(source.missing).toEqual([{ repository: "docker.io/shop/web", reference: "9" }]);
  });

  test("another repository, though it has the path of one that is held", async () => {
    await expect(source.manifest({ host: "quay.io", path: "shop/web" }, "1", {})).rejects.toMatchObject({
      message: "the cluster image does not hold quay.io/shop/web:1; it holds no image of that repository",
    });
  });

  test("another platform's manifest", async () => {
    const digest = otherPlatform.root.digest;
    await expect(source.manifest(web, digest, {})).rejects.toMatchObject({ status: 404, code: "MANIFEST_UNKNOWN" });
    expect(source.missing).toEqual([{ repository: "docker.io/shop/web", reference: digest }]);
  });

  test("content of one repository under the name of another", async () => {
    const [layer = ""] = blobsOf(secretImage);
    await expect(source.manifest(web, secretImage.root.digest, {})).rejects.toMatchObject({ status: 404 });
    await expect(source.blob(web, parseDigest(layer), {})).rejects.toMatchObject({ status: 404, code: "BLOB_UNKNOWN" });
  });

  test("a blob that got lost", async () => {
    const [layer = ""] = blobsOf(webImage);
    await rm(store.pathOf(parseDigest(layer)));
    await expect(source.blob(web, parseDigest(layer), {})).rejects.toMatchObject({ status: 404, code: "BLOB_UNKNOWN" });
    expect(source.missing).toEqual([{ repository: "docker.io/shop/web", reference: layer }]);
  });

  test("but a client that looks for a manifest among the blobs finds no gap", async () => {
    await expect(source.blob(web, parseDigest(webImage.root.digest), {})).rejects.toMatchObject({ status: 404 });
    expect(source.missing).toEqual([]);
  });
});
