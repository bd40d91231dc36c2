import { randomBytes } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { beforeEach, describe, expect, test } from "vitest";
import { digestOf, parseDigest } from "../../../src/oci/digest.ts";
import { OCI_MANIFEST } from "../../../src/oci/media-types.ts";
import type { Repository } from "../../../src/oci/reference.ts";
import { type CachingProxy, createCachingProxy } from "../../../src/registry/caching-proxy.ts";
import { openStore } from "../../../src/store/store.ts";
import type { Store } from "../../../src/store/types.ts";
import { disposal } from "../../support/disposal.ts";
import { type FixtureRegistry, startFixtureRegistry } from "../../support/fixture-registry.ts";
import { buildImage, buildIndex, buildLayer, type Format, type Image } from "../../support/image-builder.ts";
import { plainUpstream } from "../../support/plain-upstream.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const closing = disposal();
const temporaryDirectory = temporaryDirectories();

let registry: FixtureRegistry;
let store: Store;
let proxy: CachingProxy;
const web: Repository = { host: "registry.example", path: "shop/web" };
const other: Repository = { host: "registry.example", path: "shop/other" };

beforeEach(async () => {
  registry = closing(await startFixtureRegistry());
  store = closing(await openStore(await temporaryDirectory()));
  proxy = newProxy();
});

function newProxy(): CachingProxy {
  return createCachingProxy({ store, upstream: plainUpstream({ "registry.example": registry.host }) });
}

async function image(text: string, format: Format = "oci"): Promise<Image> {
  const layer = await buildLayer([{ path: "data", content: Buffer.concat([Buffer.from(text), randomBytes(200_000)]) }]);
  return buildImage({ format, layers: [layer], entrypoint: ["/data"] });
}

function digestsOf({ root, blobs }: Image) {
  const [layer, config] = blobs;
  if (layer === undefined || config === undefined) throw new Error("the image has no layer");
  return { manifest: parseDigest(root.digest), layer: parseDigest(layer.digest), config: parseDigest(config.digest) };
}

async function readBlob(source: CachingProxy, repository: Repository, digest: string): Promise<Buffer> {
  return buffer((await source.blob(repository, parseDigest(digest), {})).stream);
}

describe("tags", () => {
  test("the first answer stands for the whole run, though the tag moves", async () => {
    const [first, second] = [await image("first"), await image("second")];
    registry.put(web.path, "1", first);
    const before = await proxy.manifest(web, "1", {});
    registry.put(web.path, "1", second);
    const after = await proxy.manifest(web, "1", {});
    expect(after).toEqual(before);
    expect(after.digest).toBe(first.root.digest);
    expect([...proxy.resolved]).toEqual([
      ["registry.example/shop/web:1", expect.objectContaining({ digest: first.root.digest, mediaType: OCI_MANIFEST })],
    ]);
    expect((await newProxy().manifest(web, "1", {})).digest).toBe(second.root.digest);
  });

  test("who asks at the same time gets the same answer of one request", async () => {
    const first = await image("first");
    registry.put(web.path, "1", first);
    const answers = await Promise.all(Array.from({ length: 20 }, () => proxy.manifest(web, "1", {})));
    for (const answer of answers) expect(answer.bytes.equals(first.root.bytes)).toBe(true);
    expect(registry.requests).toEqual(["GET shop/web/manifests/1", `GET shop/web/manifests/${first.root.digest}`]);
  });

  test("equal tags of two registries are two tags", async () => {
    const elsewhere = closing(await startFixtureRegistry());
    const [ours, theirs] = [await image("ours"), await image("theirs")];
    registry.put(web.path, "1", ours);
    elsewhere.put(web.path, "1", theirs);
    const both = createCachingProxy({
      store,
      upstream: plainUpstream({ "a.example": registry.host, "b.example": elsewhere.host }),
    });
    expect((await both.manifest({ host: "a.example", path: web.path }, "1", {})).digest).toBe(ours.root.digest);
    expect((await both.manifest({ host: "b.example", path: web.path }, "1", {})).digest).toBe(theirs.root.digest);
  });

  test("a failure is not remembered", async () => {
    await expect(proxy.manifest(web, "1", {})).rejects.toMatchObject({ status: 404 });
    registry.put(web.path, "1", await image("late"));
    expect(await proxy.manifest(web, "1", {})).toMatchObject({ mediaType: OCI_MANIFEST });
  });

  test("a client that leaves does not take the answer from the others", async () => {
    let release = (): void => undefined;
    registry.put(web.path, "1", await image("slow"));
    registry.disturb(/manifests\/1$/, { wait: new Promise((resolve) => (release = () => resolve(undefined))) });
    const leaving = proxy.manifest(web, "1", { signal: AbortSignal.timeout(10) });
    const staying = proxy.manifest(web, "1", {});
    await expect(leaving).rejects.toThrow();
    release();
    expect(await staying).toMatchObject({ mediaType: OCI_MANIFEST });
  });
});

describe("content", () => {
  test.each<Format>(["oci", "docker"])("%s manifests are served byte for byte under their own type", async (format) => {
    const index = buildIndex(format, [await image("one", format)]);
    registry.put(web.path, "1", index);
    const { bytes, mediaType, digest } = await proxy.manifest(web, "1", {});
    expect(bytes.equals(index.root.bytes)).toBe(true);
    expect({ mediaType, digest }).toEqual({ mediaType: index.root.mediaType, digest: index.root.digest });
  });

  test("a manifest that names no type keeps the one its registry gave", async () => {
    const { root, blobs } = await image("old");
    const { mediaType: _, ...content } = JSON.parse(root.bytes.toString());
    const bytes = Buffer.from(JSON.stringify(content, null, 3));
    const digest = digestOf(bytes);
    registry.put(web.path, "unused", { root, blobs });
    registry.putBytes(web.path, "1", root.mediaType, bytes);
    registry.putBytes(web.path, digest, root.mediaType, bytes);
    expect(await proxy.manifest(web, "1", {})).toEqual({ mediaType: root.mediaType, digest, bytes });
  });

  test("a type with a line break in it reaches no header", async () => {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: "a/b\r\nx-evil: 1" }));
    const digest = digestOf(bytes);
    registry.putBytes(web.path, digest, "application/vnd.example+json", bytes);
    expect((await proxy.manifest(web, digest, {})).mediaType).toBe("application/vnd.example+json");
  });

  test("what a tag's image consists of is fetched once and never asked for again", async () => {
    const index = buildIndex("oci", [await image("one")]);
    registry.put(web.path, "1", index);
    await proxy.manifest(web, "1", {});
    for (let round = 0; round < 2; round += 1) {
      for (const { digest, bytes, mediaType } of [...index.blobs].reverse()) {
        const isManifest = mediaType.includes("manifest") || mediaType.includes("index");
        const got = isManifest ? (await proxy.manifest(web, digest, {})).bytes : await readBlob(proxy, web, digest);
        expect(got.equals(bytes)).toBe(true);
      }
    }
    expect(new Set(registry.requests).size).toBe(registry.requests.length);
    expect(registry.requests.filter((line) => line.startsWith("HEAD"))).toEqual([]);
  });

  test("a warm store asks for the tag alone", async () => {
    const one = await image("one");
    registry.put(web.path, "1", one);
    const { config, layer } = digestsOf(one);
    await proxy.manifest(web, "1", {});
    await Promise.all([readBlob(proxy, web, config), readBlob(proxy, web, layer)]);
    const before = registry.requests.length;
    const second = newProxy();
    await second.manifest(web, "1", {});
    await Promise.all([readBlob(second, web, config), readBlob(second, web, layer)]);
    expect(registry.requests.slice(before)).toEqual(["GET shop/web/manifests/1"]);
  });

  test("wrong bytes reach nobody whole, and the next request gets the right ones", async () => {
    const one = await image("one");
    registry.put(web.path, "1", one);
    const { layer } = digestsOf(one);
    await proxy.manifest(web, "1", {});
    registry.disturb(/blobs/, {
      bytes: (bytes) => {
        const wrong = Buffer.from(bytes);
        wrong[100] = ~(wrong[100] ?? 0);
        return wrong;
      },
    });
    await expect(readBlob(proxy, web, layer)).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    expect(digestOf(await readBlob(proxy, web, layer))).toBe(layer);
  });

  test("an image with foreign layers is refused by name", async () => {
    const { root, blobs } = await image("windows");
    const content = JSON.parse(root.bytes.toString());
    content.layers[0].urls = ["http://169.254.169.254/layer"];
    const bytes = Buffer.from(JSON.stringify(content));
    registry.put(web.path, "unused", { root, blobs });
    registry.putBytes(web.path, digestOf(bytes), root.mediaType, bytes);
    await expect(proxy.manifest(web, digestOf(bytes), {})).rejects.toMatchObject({
      status: 403,
      code: "DENIED",
      message: expect.stringContaining("foreign layer"),
    });
  });
});

describe("who may have what", () => {
  test("a stored blob is not served under a repository that does not hold it", async () => {
    const secret = await image("private");
    registry.put(web.path, "1", secret);
    const { layer, config, manifest } = digestsOf(secret);
    await proxy.manifest(web, "1", {});
    await readBlob(proxy, web, layer);
    await proxy.ensureBlob(web, config, {});
    await expect(readBlob(proxy, other, layer)).rejects.toMatchObject({ status: 404, code: "BLOB_UNKNOWN" });
    await expect(proxy.ensureBlob(other, config, {})).rejects.toMatchObject({ status: 404 });
    await expect(proxy.manifest(other, manifest, {})).rejects.toMatchObject({ status: 404 });
    registry.disturb(/^HEAD shop\/other/, { status: 403 });
    await expect(readBlob(proxy, other, layer)).rejects.toMatchObject({ status: 403 });
  });

  test("it is, without another download, once its registry says that it does", async () => {
    const shared = await image("shared");
    registry.put(web.path, "1", shared);
    registry.put(other.path, "2", shared);
    const { layer } = digestsOf(shared);
    await proxy.manifest(web, "1", {});
    await readBlob(proxy, web, layer);
    const before = registry.requests.length;
    await readBlob(proxy, other, layer);
    await readBlob(proxy, other, layer);
    expect(registry.requests.slice(before)).toEqual([`HEAD shop/other/blobs/${layer}`]);
  });
});
