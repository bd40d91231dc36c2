import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { parseCacheSpecs } from "../../../src/cache/parse-spec.ts";
import type { ClusterImage } from "../../../src/image/cluster-image.ts";
import { listLocal } from "../../../src/image/local-tags.ts";
import { parseReference } from "../../../src/oci/reference.ts";
import { type BuiltInProcess, buildInProcess } from "../../support/build-in-process.ts";
import { type CountingProxy, startCountingProxy } from "../../support/counting-proxy.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { buildImage, buildLayer } from "../../support/image-builder.ts";
import { uploadImage } from "../../support/image-upload.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const createDirectory = temporaryDirectories();

let near: DockerRegistry;
let far: DockerRegistry;
/** Before the registry that has images, caches and results; and before another one, which is only pushed to. */
let proxy: CountingProxy;
let other: CountingProxy;
/** Blobs that are said to be there, and are not when they are asked for. */
const evicted = new Set<string>();

beforeAll(async () => {
  [near, far] = await Promise.all([startDockerRegistry(), startDockerRegistry()]);
  proxy = await startCountingProxy(near.host, async (method, url) => {
    const isGone = method === "GET" && [...evicted].some((digest) => url.endsWith(`/blobs/${digest}`));
    return isGone ? { status: 404, body: '{"errors":[{"code":"BLOB_UNKNOWN"}]}' } : undefined;
  });
  other = await startCountingProxy(far.host);
  const layers = [
    await buildLayer([{ path: "base", content: "the same in all" }]),
    await buildLayer([{ path: "text", content: "web" }]),
  ];
  await uploadImage(near, "apps/web", "1", buildImage({ format: "oci", layers, entrypoint: ["/text"] }));
});
afterAll(async () => {
  await Promise.all([proxy?.stop(), other?.stop()]);
  await Promise.all([near?.stop(), far?.stop()]);
});
beforeEach(() => {
  evicted.clear();
  proxy.clear();
  other.clear();
});

/** Two steps, and a manifest that names one image. */
function application(): Record<string, string> {
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "web" } };
  const containers = [{ name: "web", image: `${proxy.host}/apps/web:1` }];
  return {
    Kubefile: "FROM scratch\nCOPY etc etc\nAPP web local://web/\nLAUNCH web\n",
    "etc/shop.properties": "currency=EUR\n",
    "web/pod.json": JSON.stringify({ ...pod, spec: { containers } }),
  };
}

/** On a runner whose store is empty, unless one is given; pushed, and not written to a file, unless it is to be. */
async function build(
  cache: string,
  tag: string,
  { store, writes = false }: { readonly store?: string; readonly writes?: boolean } = {},
): Promise<BuiltInProcess & { readonly store: string }> {
  const directory = await createDirectory();
  const spec = `type=registry,ref=${proxy.host}/${cache}`;
  const built = await buildInProcess({
    directory,
    files: application(),
    ...(store === undefined ? {} : { store }),
    options: {
      ...{ tags: [parseReference(tag)], push: true },
      ...(writes ? {} : { outputs: [] }),
      cacheFrom: parseCacheSpecs([spec], "--cache-from", directory),
      cacheTo: parseCacheSpecs([spec], "--cache-to", directory),
    },
  });
  return { ...built, store: store ?? join(directory, "store") };
}

function states({ report }: BuiltInProcess): (string | undefined)[] {
  return [...report.steps, report.rehearsal].map((one) => one?.state);
}

const cached = ["cached", "cached", "cached"];

/** Of a cluster image, what is neither a manifest nor its own config. */
function contentsOf({ blobs }: ClusterImage): readonly string[] {
  return blobs.filter(({ role }) => !["manifest", "index"].includes(role)).map(({ digest }) => digest);
}

/** Digests of the contents that were fetched, with the bytes that came. */
function fetched(image: ClusterImage): (readonly [string, number])[] {
  return proxy.requests.flatMap(({ method, url, received }) => {
    const digest = contentsOf(image).find((content) => url.endsWith(`/blobs/${content}`));
    return method === "GET" && digest !== undefined ? [[digest, received] as const] : [];
  });
}

/** The names that a store has, with what they stand for. */
async function names(store: string): Promise<Record<string, string>> {
  return Object.fromEntries(
    (await listLocal(store)).map(({ reference, descriptor }) => [reference, descriptor.digest]),
  );
}

/** Every blob of the manifest is where it was pushed to, whole. */
async function expectWhole({ url }: DockerRegistry, path: string, { image }: BuiltInProcess): Promise<void> {
  const manifest = await fetch(`${url}/v2/${path}/manifests/${image.digest}`, {
    headers: { accept: image.descriptor.mediaType },
  });
  expect(manifest.status).toBe(200);
  const { config, layers } = image.manifest;
  for (const { digest, size } of [config, ...layers]) {
    const blob = await fetch(`${url}/v2/${path}/blobs/${digest}`);
    expect((await blob.arrayBuffer()).byteLength, digest).toBe(size);
  }
}

describe("a new runner with a registry cache", () => {
  test("fetches records and manifests alone, and sends nothing, when the result is there already", async () => {
    const tag = `${proxy.host}/unchanged/shop:1`;
    const cold = await build("unchanged/cache", tag);
    expect(states(cold)).not.toContain("cached");
    expect(contentsOf(cold.image)).toHaveLength(5);
    expect(await names(cold.store)).toEqual({ [tag]: cold.image.digest });
    proxy.clear();

    const again = await build("unchanged/cache", tag);
    expect(states(again)).toEqual(cached);
    expect(again.image.digest).toBe(cold.image.digest);
    expect(fetched(again.image)).toEqual([]);
    expect(proxy.count("POST", "PATCH")).toBe(0);
    expect(proxy.requests.filter(({ method }) => method === "PUT").map(({ url }) => url)).toEqual([
      "/v2/unchanged/shop/manifests/1",
    ]);
    expect(again.report.transfer).toMatchObject({ uploaded: { blobs: 0, bytes: 0 }, mounted: { blobs: 0 } });
    const received = proxy.requests.reduce((sum, { received }) => sum + received, 0);
    expect(received).toBeLessThan(8_000);
  });

  test("has blobs mounted from the cache where they are not there yet", async () => {
    await build("mounted/cache", `${proxy.host}/mounted/shop:1`);
    proxy.clear();
    const tag = `${proxy.host}/mounted/elsewhere:1`;
    const again = await build("mounted/cache", tag);
    expect(states(again)).toEqual(cached);
    expect(fetched(again.image)).toEqual([]);
    // The config of the cluster image is in no record; the manifest of the image came with its record.
    expect(again.report.transfer).toMatchObject({
      uploaded: { blobs: 1 },
      mounted: { blobs: 6 },
      existing: { blobs: 0 },
    });
    await expectWhole(near, "mounted/elsewhere", again);
  });

  test("fetches each blob once for another registry, and has the image here then", async () => {
    const cold = await build("carried/cache", `${proxy.host}/carried/shop:1`);
    proxy.clear();
    const tag = `${other.host}/carried/shop:1`;
    const again = await build("carried/cache", tag);
    expect(states(again)).toEqual(cached);
    expect(again.image.digest).toBe(cold.image.digest);
    expect(
      fetched(again.image)
        .map(([digest]) => digest)
        .sort(),
    ).toEqual([...contentsOf(again.image)].sort());
    expect(again.report.transfer).toMatchObject({
      uploaded: { blobs: 7 },
      mounted: { blobs: 0 },
      existing: { blobs: 0 },
    });
    expect(again.report.phases.at(-1)?.name).toBe("push");
    await expectWhole(far, "carried/shop", again);
    expect(await names(again.store)).toEqual({ [tag]: again.image.digest });
  });

  test("gives the image no name here when part of it is at the registry alone, nor leaves an older one", async () => {
    const tag = `${proxy.host}/named/shop:1`;
    await build("named/cache", tag);
    const store = join(await createDirectory(), "store");
    const older = await buildInProcess({
      directory: await createDirectory(),
      files: { Kubefile: "FROM scratch\nCOPY a a\nCMD true\n", a: "older" },
      store,
      options: { tags: [parseReference(tag)] },
    });
    proxy.clear();
    expect(await names(store)).toEqual({ [tag]: older.image.digest });
    const again = await build("named/cache", tag, { store });
    expect(fetched(again.image)).toEqual([]);
    expect(await names(store)).toEqual({});
  });

  test("has all of it at hand when it is to be written to a file", async () => {
    const tag = `${proxy.host}/written/shop:1`;
    await build("written/cache", tag);
    proxy.clear();
    const again = await build("written/cache", tag, { writes: true });
    expect(states(again)).toEqual(cached);
    expect(
      fetched(again.image)
        .map(([digest]) => digest)
        .sort(),
    ).toEqual([...contentsOf(again.image)].sort());
    expect(again.readText("etc/shop.properties")).toBe("currency=EUR\n");
    expect(await names(again.store)).toEqual({ [tag]: again.image.digest });
  });
});

describe("blobs that are gone", () => {
  test("from the cache alone come from where the image came from, and steps are done again", async () => {
    const cold = await build("lost/cache", `${proxy.host}/lost/shop:1`);
    for (const digest of contentsOf(cold.image)) {
      await fetch(`${near.url}/v2/lost/cache/blobs/${digest}`, { method: "DELETE" });
    }
    const tag = `${proxy.host}/lost/elsewhere:1`;
    const again = await build("lost/cache", tag);
    expect(states(again)).toEqual(["built", "built", "cached"]);
    expect(again.image.digest).toBe(cold.image.digest);
    await expectWhole(near, "lost/elsewhere", again);
    // What was made again is in the cache again.
    expect(states(await build("lost/cache", `${proxy.host}/lost/third:1`))).toEqual(cached);
  });

  test("though the registry says that they are there make a build anew, with a warning, and a whole push", async () => {
    const cold = await build("evicted/cache", `${proxy.host}/evicted/shop:1`);
    const [layer = ""] = contentsOf(cold.image);
    evicted.add(layer);
    const tag = `${other.host}/evicted/shop:1`;
    const again = await build("evicted/cache", tag);
    expect(again.report.warnings).toEqual([
      expect.stringMatching(new RegExp(`^blob ${layer} can be had nowhere: .*; the cluster image is built anew$`)),
    ]);
    expect(states(again)).toEqual(["built", "built", "scanned"]);
    expect(again.image.digest).toBe(cold.image.digest);
    await expectWhole(far, "evicted/shop", again);
    expect(await names(again.store)).toEqual({ [tag]: again.image.digest });
  });
});
