import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { assembleClusterImage } from "../../../src/image/assemble.ts";
import type { PushProgress } from "../../../src/image/blob-transfer.ts";
import { type ClusterImage, uploadsOf } from "../../../src/image/cluster-image.ts";
import { readPlaces } from "../../../src/image/places.ts";
import { type PushOptions, type PushResult, pushClusterImage } from "../../../src/image/push.ts";
import { digestOf, hexOf } from "../../../src/oci/digest.ts";
import type { RegistryClient } from "../../../src/registry/types.ts";
import type { Store } from "../../../src/store/types.ts";
import { type CountingProxy, startCountingProxy } from "../../support/counting-proxy.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { amd64, putImage, putRootfsLayer, sampleDescription, temporaryStore } from "../../support/sample-images.ts";
import { startTokenAuthRegistry } from "../../support/token-auth-registry.ts";
import { credentialsFor, upstreamClient } from "../../support/upstream-client.ts";

let registry: DockerRegistry;
let proxy: CountingProxy;
let client: RegistryClient;

beforeAll(async () => {
  registry = await startDockerRegistry();
  proxy = await startCountingProxy(registry.host);
  client = upstreamClient();
});

afterAll(async () => {
  await client.close();
  await proxy.stop();
  await registry.stop();
});

async function build(store: Store, web: string, host = "quay.io"): Promise<ClusterImage> {
  return assembleClusterImage({
    store,
    config: sampleDescription,
    layers: [await putRootfsLayer(store, "manifests"), await putRootfsLayer(store, "charts")],
    images: [await putImage(store, { reference: `${host}/shop/web:1`, layers: ["base", web] })],
    platform: amd64,
  });
}

function push(
  store: Store,
  image: ClusterImage,
  path: string,
  options: Partial<PushOptions> = {},
): Promise<PushResult> {
  return pushClusterImage({ client, store, image, repository: { host: proxy.host, path }, tags: ["1"], ...options });
}

/** Requests about blobs, without sessions' names. */
function blobRequests(): string[] {
  return proxy.requests
    .filter(({ url }) => url.includes("/blobs/"))
    .map(({ method, url }) => `${method} ${url.replace(/^\/v2\//, "").replace(/uploads\/[^?]*\?.*/, "uploads/")}`);
}

describe("a push of what has changed a little", () => {
  it("asks for the blobs alone that the tag's manifest does not list", async () => {
    const store = await temporaryStore();
    const first = await build(store, "one");
    await push(store, first, "delta/changed");
    const next = await build(store, "two");
    const listed = new Set(uploadsOf(first).map(({ digest }) => digest));
    const changed = uploadsOf(next).filter(({ digest }) => !listed.has(digest));
    // The config of the cluster image; manifest and layer of the image.
    expect(changed).toHaveLength(3);
    proxy.clear();
    const result = await push(store, next, "delta/changed");
    expect(result).toMatchObject({
      uploaded: { blobs: 3, bytes: changed.reduce((sum, { size }) => sum + size, 0) },
      existing: { blobs: listed.size - 3 },
      mounted: { blobs: 0 },
    });
    expect(blobRequests().sort()).toEqual(
      [
        ...changed.map(({ digest }) => `HEAD delta/changed/blobs/${digest}`),
        ...changed.flatMap(() => ["POST delta/changed/blobs/uploads/", "PUT delta/changed/blobs/uploads/"]),
      ].sort(),
    );
  });

  it("needs no word of a blob for another name of the same image", async () => {
    const store = await temporaryStore();
    const image = await build(store, "one");
    await push(store, image, "delta/named");
    proxy.clear();
    expect(await push(store, image, "delta/named", { tags: ["2"] })).toMatchObject({ uploaded: { blobs: 0 } });
    expect(blobRequests()).toEqual([]);
  });

  it("sends what the registry has lost, though its manifest lists it", async () => {
    const store = await temporaryStore();
    await push(store, await build(store, "one"), "delta/lost");
    const link = join(registry.storage, "docker/registry/v2/repositories/delta/lost/_layers/sha256");
    await rm(join(link, hexOf(digestOf("charts"))), { recursive: true });
    const result = await push(store, await build(store, "two"), "delta/lost");
    expect(result.uploaded.blobs).toBe(4);
    expect((await client.hasBlob({ host: registry.host, path: "delta/lost" }, digestOf("charts"), {}))?.size).toBe(6);
  });

  it("sends it for an unchanged image as well", async () => {
    const store = await temporaryStore();
    const image = await build(store, "one");
    await push(store, image, "delta/healed");
    const link = join(registry.storage, "docker/registry/v2/repositories/delta/healed/_layers/sha256");
    await rm(join(link, hexOf(digestOf("charts"))), { recursive: true });
    expect((await push(store, image, "delta/healed")).uploaded.blobs).toBe(1);
  });
});

describe("a push to a registry that has the blobs elsewhere", () => {
  it("mounts them from where the image was captured", async () => {
    const store = await temporaryStore();
    const repository = { host: proxy.host, path: "shop/web" };
    for (const content of ["base", "one"]) await sendBlob(repository, content);
    const image = await build(store, "one", proxy.host);
    proxy.clear();
    const result = await push(store, image, "delta/captured");
    expect(result.mounted).toEqual({ blobs: 2, bytes: "base".length + "one".length });
    expect(result.uploaded.blobs).toBe(uploadsOf(image).length - 2);
  });

  it("mounts them from where this store has pushed them before", async () => {
    const store = await temporaryStore();
    const image = await build(store, "one");
    await push(store, image, "delta/first");
    expect(await readPlaces(store.directory)).toEqual([
      { repository: { host: proxy.host, path: "delta/first" }, digest: image.digest },
    ]);
    const result = await push(store, await build(store, "two"), "delta/second");
    expect(result.uploaded.blobs).toBe(3);
    expect(result.mounted.blobs).toBe(uploadsOf(image).length - 3);
  });

  it("mounts them from a cache that is named", async () => {
    const store = await temporaryStore();
    const cache = { host: proxy.host, path: "cache/shop" };
    for (const content of ["manifests", "base"]) await sendBlob(cache, content);
    const mountFrom = [cache, { host: "other.example", path: "cache/shop" }];
    const result = await push(store, await build(store, "one"), "delta/cached", { mountFrom });
    expect(result.mounted.blobs).toBe(2);
  });

  it("mounts what may be read there, and sends what may not", async () => {
    const user = { username: "me", password: "secret", repositories: ["team/app", "team/base"] };
    const other = { username: "other", password: "secret", repositories: ["private/base"] };
    const guarded = await startTokenAuthRegistry({ users: [user, other] });
    const host = guarded.host;
    const mine = upstreamClient({ credentials: credentialsFor({ [host]: user }) });
    const theirs = upstreamClient({ credentials: credentialsFor({ [host]: other }) });
    try {
      await sendBlob({ host, path: "team/base" }, "base", mine);
      await sendBlob({ host, path: "private/base" }, "one", theirs);
      const store = await temporaryStore();
      const mountFrom = ["private/base", "team/base"].map((path) => ({ host, path }));
      const image = await build(store, "one");
      const repository = { host, path: "team/app" };
      const result = await pushClusterImage({ client: mine, store, image, repository, tags: ["1"], mountFrom });
      expect(result.mounted).toEqual({ blobs: 1, bytes: 4 });
      expect(result.uploaded.blobs).toBe(uploadsOf(image).length - 1);
    } finally {
      await Promise.all([mine.close(), theirs.close()]);
      await guarded.stop();
    }
  });

  async function sendBlob(
    repository: { host: string; path: string },
    content: string,
    by: RegistryClient = client,
  ): Promise<void> {
    const bytes = Buffer.from(content);
    const source = { digest: digestOf(bytes), size: bytes.byteLength, open: async () => Readable.from([bytes]) };
    await by.pushBlob(repository, source, {});
  }
});

describe("the progress of a push", () => {
  it("counts bytes of what is needed", async () => {
    const store = await temporaryStore();
    const events: PushProgress[] = [];
    const image = await build(store, "one");
    await push(store, image, "delta/progress", { onProgress: (progress) => events.push(progress) });
    const totalBlobs = uploadsOf(image).length;
    const neededBytes = uploadsOf(image).reduce((sum, { size }) => sum + size, 0);
    const sending = events.filter(({ stage }) => stage === "sending");
    expect(events.filter(({ stage }) => stage === "looking").at(-1)).toEqual({
      stage: "looking",
      ...{ blobs: totalBlobs, totalBlobs },
    });
    expect(sending[0]).toEqual({ stage: "sending", blobs: 0, totalBlobs, sentBytes: 0, neededBytes });
    expect(sending.at(-1)).toEqual({
      stage: "sending",
      ...{ blobs: totalBlobs, totalBlobs, sentBytes: neededBytes, neededBytes },
    });
  });
});
