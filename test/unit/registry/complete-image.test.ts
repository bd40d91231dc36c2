import { beforeEach, describe, expect, test } from "vitest";
import { type Digest, digestOf, parseDigest } from "../../../src/oci/digest.ts";
import { OCI_INDEX } from "../../../src/oci/media-types.ts";
import { type CachingProxy, createCachingProxy } from "../../../src/registry/caching-proxy.ts";
import { completeImage } from "../../../src/registry/complete-image.ts";
import { openStore } from "../../../src/store/store.ts";
import type { Store } from "../../../src/store/types.ts";
import { disposal } from "../../support/disposal.ts";
import { type FixtureRegistry, startFixtureRegistry } from "../../support/fixture-registry.ts";
import { startHttpFixture } from "../../support/http-fixture.ts";
import { buildImage, buildIndex, buildLayer, type Image } from "../../support/image-builder.ts";
import { plainUpstream } from "../../support/plain-upstream.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";
import { upstreamClient } from "../../support/upstream-client.ts";

const closing = disposal();
const temporaryDirectory = temporaryDirectories();
const repository = { host: "registry.example", path: "shop/web" };
const amd64 = { os: "linux", architecture: "amd64" };
const arm64 = { os: "linux", architecture: "arm64" };

let registry: FixtureRegistry;
let store: Store;
let source: CachingProxy;

beforeEach(async () => {
  registry = closing(await startFixtureRegistry());
  store = closing(await openStore(await temporaryDirectory()));
  source = createCachingProxy({ store, upstream: plainUpstream({ "registry.example": registry.host }) });
});

async function image(text: string, platform = amd64, layerCount = 1): Promise<Image> {
  const layers = await Promise.all(
    Array.from({ length: layerCount }, (_, position) => buildLayer([{ path: `${text}${position}`, content: text }])),
  );
  return buildImage({ format: "oci", layers, entrypoint: ["/x"], platform });
}

function putJson(reference: string, mediaType: string, content: object): Digest {
  const bytes = Buffer.from(JSON.stringify(content));
  registry.putBytes(repository.path, reference, mediaType, bytes);
  registry.putBytes(repository.path, digestOf(bytes), mediaType, bytes);
  return digestOf(bytes);
}

describe("what is brought in", () => {
  test("the platform's manifest, config and layers, with the index above them", async () => {
    const [wanted, foreign] = [await image("amd", amd64, 9), await image("arm", arm64)];
    const index = buildIndex("oci", [foreign, wanted]);
    registry.put(repository.path, "1", index);
    const complete = await completeImage({ source, repository, reference: "1", platform: amd64 });
    expect(complete).toMatchObject({ digest: index.root.digest, mediaType: OCI_INDEX });
    expect(complete.absent.map(({ digest }) => digest)).toEqual([foreign.root.digest]);
    const expected = [index.root, ...wanted.blobs];
    expect(complete.blobs.map(({ digest }) => digest).sort()).toEqual(expected.map(({ digest }) => digest).sort());
    expect(complete.size).toBe(expected.reduce((sum, { bytes }) => sum + bytes.byteLength, 0));
    for (const blob of complete.blobs) {
      expect(await store.has(blob.digest)).toEqual({ size: blob.size });
      expect(await store.verify(blob.digest)).toBe(true);
    }
    expect(registry.requests.join()).not.toContain(foreign.root.digest);
  });

  test("from a registry that tells the size of nothing", async () => {
    const wanted = await image("sizeless", amd64, 3);
    const known = new Map([...wanted.blobs.map((blob) => [blob.digest, blob] as const), ["1", wanted.root]]);
    const sizeless = closing(
      await startHttpFixture(({ path, method }, response) => {
        const blob = known.get(path.slice(path.lastIndexOf("/") + 1));
        response.writeHead(blob === undefined ? 404 : 200, { "content-type": blob?.mediaType });
        // In two pieces there is no Content-Length.
        if (method !== "HEAD") response.write(blob?.bytes.subarray(0, 1) ?? "");
        response.end(method === "HEAD" ? undefined : blob?.bytes.subarray(1));
      }),
    );
    const complete = await completeImage({
      source: createCachingProxy({ store, upstream: closing(upstreamClient()) }),
      repository: { host: sizeless.host, path: "shop/web" },
      reference: "1",
      platform: amd64,
    });
    expect(complete.digest).toBe(wanted.root.digest);
    for (const { digest } of wanted.blobs) expect(await store.verify(parseDigest(digest))).toBe(true);
  });

  test("a single manifest, by digest", async () => {
    const single = await image("single");
    registry.put(repository.path, "1", single);
    const complete = await completeImage({ source, repository, reference: single.root.digest, platform: amd64 });
    expect(complete.blobs).toHaveLength(3);
    expect(complete.absent).toEqual([]);
  });

  test("a layer that occurs twice counts once", async () => {
    const layer = await buildLayer([{ path: "a", content: "a" }]);
    const twice = buildImage({ format: "docker", layers: [layer, layer], entrypoint: ["/x"], platform: amd64 });
    registry.put(repository.path, "1", twice);
    const complete = await completeImage({ source, repository, reference: "1", platform: amd64 });
    expect(complete.blobs).toHaveLength(3);
  });

  test("nothing a second time but the tag", async () => {
    registry.put(repository.path, "1", buildIndex("oci", [await image("one")]));
    const first = await completeImage({ source, repository, reference: "1", platform: amd64 });
    const before = registry.requests.length;
    const again = createCachingProxy({ store, upstream: plainUpstream({ "registry.example": registry.host }) });
    expect(await completeImage({ source: again, repository, reference: "1", platform: amd64 })).toEqual(first);
    expect(registry.requests.slice(before)).toEqual(["GET shop/web/manifests/1"]);
  });
});

describe("what is refused", () => {
  test("an image without the platform, naming those it has", async () => {
    registry.put(repository.path, "1", buildIndex("oci", [await image("arm", arm64)]));
    await expect(completeImage({ source, repository, reference: "1", platform: amd64 })).rejects.toMatchObject({
      code: "PULL_FAILED",
      message: expect.stringMatching(
        /registry\.example\/shop\/web@sha256:\w+ has no image for linux\/amd64, only for linux\/arm64/,
      ),
    });
  });

  test("indexes nested without end", async () => {
    let child = { mediaType: OCI_INDEX, digest: digestOf("none"), size: 1, platform: amd64 };
    for (let depth = 0; depth < 12; depth += 1) {
      const content = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [child] };
      const digest = putJson("deep", OCI_INDEX, content);
      child = { ...child, digest, size: JSON.stringify(content).length };
    }
    await expect(completeImage({ source, repository, reference: "deep", platform: amd64 })).rejects.toMatchObject({
      code: "ARTIFACT_INVALID",
      message: expect.stringContaining("more than 8 nested indexes"),
    });
  });

  test.each([
    ["application/vnd.example+json", { hello: "world" }, "config is not a descriptor"],
    [
      "application/vnd.docker.distribution.manifest.v1+prettyjws",
      { schemaVersion: 1, fsLayers: [] },
      "Docker schema 1",
    ],
  ])("something that is no image, with what it is: %s", async (mediaType, content, why) => {
    putJson("1", mediaType, content);
    await expect(completeImage({ source, repository, reference: "1", platform: amd64 })).rejects.toMatchObject({
      code: "ARTIFACT_INVALID",
      message: expect.stringContaining(why),
    });
  });

  test("a blob of another size than its manifest says", async () => {
    const one = await image("one");
    registry.put(repository.path, "unused", one);
    const content = JSON.parse(one.root.bytes.toString());
    content.layers[0].size += 1;
    putJson("1", one.root.mediaType, content);
    await expect(completeImage({ source, repository, reference: "1", platform: amd64 })).rejects.toMatchObject({
      code: "STORE_CORRUPT",
      message: expect.stringContaining("its manifest says"),
    });
  });

  test("a blob that its registry does not have", async () => {
    registry.put(repository.path, "1", await image("one"));
    registry.disturb(/blobs/, { status: 404, times: 9 });
    await expect(completeImage({ source, repository, reference: "1", platform: amd64 })).rejects.toMatchObject({
      status: 404,
    });
  });

  test("an abort ends the wait", async () => {
    registry.put(repository.path, "1", await image("one"));
    registry.disturb(/blobs/, { wait: new Promise(() => undefined), times: 9 });
    const signal = AbortSignal.timeout(50);
    await expect(completeImage({ source, repository, reference: "1", platform: amd64, signal })).rejects.toThrow();
  });
});
