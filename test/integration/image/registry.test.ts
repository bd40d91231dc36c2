import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { type AssembleOptions, assembleClusterImage } from "../../../src/image/assemble.ts";
import { type ClusterImage, uploadsOf } from "../../../src/image/cluster-image.ts";
import { fetchClusterImage, fetchDescription } from "../../../src/image/load.ts";
import { pushClusterImage } from "../../../src/image/push.ts";
import { canonicalJson } from "../../../src/oci/canonical-json.ts";
import { type Digest, digestOf, hexOf } from "../../../src/oci/digest.ts";
import { OCI_INDEX } from "../../../src/oci/media-types.ts";
import { parseReference } from "../../../src/oci/reference.ts";
import { createRegistryClient } from "../../../src/registry/client.ts";
import type { RegistryClient } from "../../../src/registry/types.ts";
import type { Store } from "../../../src/store/types.ts";
import { type CountingProxy, type Intercept, startCountingProxy } from "../../support/counting-proxy.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { failureOf } from "../../support/failure.ts";
import { amd64, arm64, putImage, sampleOptions, sharedLayer, temporaryStore } from "../../support/sample-images.ts";

const run = promisify(execFile);

let registry: DockerRegistry;
let proxy: CountingProxy;
let client: RegistryClient;

beforeAll(async () => {
  registry = await startDockerRegistry();
  proxy = await startCountingProxy(registry.host);
  client = newClient();
});

afterAll(async () => {
  await client.close();
  await proxy.stop();
  await registry.stop();
});

function newClient(): RegistryClient {
  return createRegistryClient({
    credentials: { credentials: async () => [] },
    userAgent: "kubefile-test",
    trustedHosts: () => true,
  });
}

/** A proxy of one test's own before the same registry. */
async function proxyWith(intercept: Intercept): Promise<CountingProxy> {
  const own = await startCountingProxy(registry.host, intercept);
  onTestFinished(() => own.stop());
  return own;
}

async function build(change: Partial<AssembleOptions> = {}): Promise<{ store: Store; image: ClusterImage }> {
  const store = await temporaryStore();
  return { store, image: await assembleClusterImage({ ...(await sampleOptions(store)), ...change }) };
}

/** A blob's file in the registry's storage; the repository's link to it stays. */
function storedFile(digest: Digest): string {
  const hex = hexOf(digest);
  return join(registry.storage, "docker/registry/v2/blobs/sha256", hex.slice(0, 2), hex, "data");
}

function storedLink(path: string, digest: Digest): string {
  return join(registry.storage, "docker/registry/v2/repositories", path, "_layers/sha256", hexOf(digest));
}

describe("pushClusterImage", () => {
  it("sends everything once, and nothing the second time", async () => {
    const { store, image } = await build();
    const repository = { host: proxy.host, path: "push/twice" };
    const blobs = uploadsOf(image);
    const bytes = blobs.reduce((sum, { size }) => sum + size, 0);
    proxy.clear();
    const first = await pushClusterImage({ client, store, image, repository, tags: ["1", "latest"] });
    expect(first).toMatchObject({
      digest: image.digest,
      profile: "native",
      uploaded: { blobs: blobs.length, bytes },
      existing: { blobs: 0, bytes: 0 },
      mounted: { blobs: 0, bytes: 0 },
    });
    expect(proxy.count("POST")).toBe(blobs.length);

    proxy.clear();
    const second = await pushClusterImage({ client, store, image, repository, tags: ["1", "latest"] });
    expect(second).toMatchObject({ uploaded: { blobs: 0, bytes: 0 }, existing: { blobs: blobs.length, bytes } });
    const names = (method: string, references: readonly string[]): string[] =>
      references.map((reference) => `${method} /v2/push/twice/manifests/${reference}`);
    const seen = proxy.requests.map(({ method, url }) => `${method} ${url}`);
    expect(seen.slice(0, 3)).toEqual([...names("HEAD", [image.digest]), ...names("PUT", ["1", "latest"])]);
    expect(seen.slice(3).sort()).toEqual(names("HEAD", [image.digest, "1", "latest"]).sort());
  });

  it("stores the bytes that another client reads", async () => {
    const { store, image } = await build();
    await pushClusterImage({ client, store, image, repository: { host: proxy.host, path: "push/exact" }, tags: ["1"] });
    const source = `docker://${registry.host}/push/exact:1`;
    const { stdout } = await run("skopeo", ["inspect", "--tls-verify=false", "--raw", source]);
    expect(digestOf(stdout)).toBe(image.digest);
  });

  it("mounts what another repository of the registry holds", async () => {
    const { store, image } = await build();
    const base = { host: proxy.host, path: "push/base" };
    await pushClusterImage({ client, store, image, repository: base, tags: ["1"] });
    const more = await putImage(store, { reference: "docker.io/library/more:1", layers: [sharedLayer, "more"] });
    const options = await sampleOptions(store);
    const next = await assembleClusterImage({ ...options, images: [...options.images, more] });
    const result = await pushClusterImage({
      client,
      store,
      image: next,
      repository: { host: proxy.host, path: "push/next" },
      tags: ["1"],
      mountFrom: [base],
    });
    // The cluster image's config, and the new image's manifest, config and own layer.
    expect(result.uploaded.blobs).toBe(4);
    expect(result.mounted.blobs).toBe(uploadsOf(next).length - 4);
  });

  it("falls back to standard media types where ours are refused", async () => {
    const { store, image } = await build();
    const strict = await proxyWith(async (method, url, body) => {
      if (method !== "PUT" || !url.includes("/manifests/")) return undefined;
      const text = (await body()).toString();
      if (!/"(artifactType|mediaType)":"application\/vnd\.kubefile/.test(text)) return undefined;
      const message = "unknown media type: application/vnd.kubefile.cluster.config.v1+json";
      return { status: 400, body: JSON.stringify({ errors: [{ code: "MANIFEST_INVALID", message }] }) };
    });
    const repository = { host: strict.host, path: "push/strict" };
    const result = await pushClusterImage({ client, store, image, repository, tags: ["1"] });
    expect(result.profile).toBe("standard");
    expect(result.digest).not.toBe(image.digest);
    const elsewhere = await temporaryStore();
    const reference = parseReference(`${strict.host}/push/strict:1`);
    const fetched = await fetchClusterImage({ client, store: elsewhere, reference });
    expect(fetched).toEqual(result.image);
    expect(fetched.config).toEqual(image.config);
    expect(fetched.blobs).toEqual(image.blobs);
  });

  it("says what the registry said when it refuses both forms", async () => {
    const { store, image } = await build();
    const body = JSON.stringify({ errors: [{ code: "MANIFEST_INVALID", message: "not on a Tuesday" }] });
    const never = await proxyWith(async (method, url) =>
      method === "PUT" && url.includes("/manifests/") ? { status: 400, body } : undefined,
    );
    const repository = { host: never.host, path: "push/never" };
    const message = await failureOf(pushClusterImage({ client, store, image, repository, tags: ["1"] }));
    expect(message).toContain("REGISTRY: cannot push: ");
    expect(message).toContain(`${never.host}/push/never`);
    expect(message).toContain("not on a Tuesday");
  });

  it("sends again what the registry lost between look and manifest", async () => {
    const { store, image } = await build();
    let collected = false;
    const collecting = await proxyWith(async (method, url) => {
      if (method === "PUT" && url.includes("/manifests/") && !collected) {
        collected = true;
        await rm(storedLink("push/collected", digestOf("web")), { recursive: true });
        await rm(storedLink("push/collected", digestOf(sharedLayer)), { recursive: true });
      }
      return undefined;
    });
    const repository = { host: collecting.host, path: "push/collected" };
    const result = await pushClusterImage({ client, store, image, repository, tags: ["1"] });
    expect(collecting.requests.filter(({ status }) => status === 400)).toHaveLength(1);
    expect(result).toMatchObject({ digest: image.digest, uploaded: { blobs: uploadsOf(image).length } });
    const reference = parseReference(`${registry.host}/push/collected:1`);
    await fetchClusterImage({ client, store: await temporaryStore(), reference });
  });

  it.each([
    [400, "DIGEST_INVALID", "provided digest did not match uploaded content"],
    [500, "UNKNOWN", "unknown error"],
  ])("tries once more where another push is just writing, which a registry answers with %i %s", async (...said) => {
    const [status, code, message] = said;
    const { store, image } = await build();
    let refused = 0;
    const writing = await proxyWith(async (method, url) => {
      if (method !== "PUT" || !url.includes("/manifests/") || refused > 0) return undefined;
      refused += 1;
      return { status, body: JSON.stringify({ errors: [{ code, message }] }) };
    });
    const repository = { host: writing.host, path: `push/writing-${status}` };
    const result = await pushClusterImage({ client, store, image, repository, tags: ["1"] });
    expect(result).toMatchObject({ digest: image.digest, uploaded: { blobs: uploadsOf(image).length } });
    expect(refused).toBe(1);
  });

  it("notices a registry that does not keep what it says it has", async () => {
    const { store, image } = await build();
    const repository = { host: proxy.host, path: "push/forgets" };
    await pushClusterImage({ client, store, image, repository, tags: ["1"] });
    await fetch(`${registry.url}/v2/push/forgets/manifests/${image.digest}`, { method: "DELETE" });
    const digest = digestOf("web");
    let looks = 0;
    const forgetful = await proxyWith(async (method, url) => {
      if (method !== "HEAD" || !url.endsWith(digest)) return undefined;
      looks += 1;
      return looks > 1 ? { status: 404, body: "" } : undefined;
    });
    const there = { host: forgetful.host, path: "push/forgets" };
    expect(await failureOf(pushClusterImage({ client, store, image, repository: there, tags: ["1"] }))).toBe(
      `REGISTRY: ${forgetful.host}/push/forgets does not hold what was pushed:\n  blob ${digest} is gone`,
    );
  });

  it("stops at once when it is told to, and sends no manifest", async () => {
    const { store, image } = await build();
    const stop = new AbortController();
    const slow = await proxyWith(async (method) => {
      if (method === "POST") stop.abort();
      return undefined;
    });
    const repository = { host: slow.host, path: "push/stopped" };
    const pushing = pushClusterImage({ client, store, image, repository, tags: ["1"], signal: stop.signal });
    expect(await failureOf(pushing)).toMatch(/^(CANCELLED|ABORT_ERR|20)/);
    expect(slow.requests.filter(({ method, url }) => method === "PUT" && url.includes("/manifests/"))).toEqual([]);
  });

  it("asks to log in where the registry wants a name", async () => {
    const { store, image } = await build();
    const guarded = await startDockerRegistry({ auth: { username: "shop", password: "secret" } });
    onTestFinished(() => guarded.stop());
    const repository = { host: guarded.host, path: "push/guarded" };
    const pushing = pushClusterImage({ client, store, image, repository, tags: ["1"] });
    const error = await pushing.catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "REGISTRY", hint: expect.stringContaining("docker login") });
  });
});

describe("fetchClusterImage", () => {
  it("brings back what was pushed, and fetches nothing twice", async () => {
    const { store, image } = await build();
    await pushClusterImage({ client, store, image, repository: { host: proxy.host, path: "fetch/all" }, tags: ["1"] });
    const elsewhere = await temporaryStore();
    const reference = parseReference(`${proxy.host}/fetch/all:1`);
    expect(await fetchClusterImage({ client, store: elsewhere, reference })).toEqual(image);
    for (const { digest } of [...uploadsOf(image), image]) expect(await elsewhere.verify(digest)).toBe(true);
    proxy.clear();
    const again = parseReference(`${proxy.host}/fetch/all@${image.digest}`);
    await fetchClusterImage({ client, store: elsewhere, reference: again });
    expect(proxy.requests.filter(({ url }) => url.includes("/blobs/"))).toEqual([]);
  });

  it("brings no layers for a description", async () => {
    const { store, image } = await build();
    await pushClusterImage({ client, store, image, repository: { host: proxy.host, path: "fetch/some" }, tags: ["1"] });
    const elsewhere = await temporaryStore();
    const reference = parseReference(`${proxy.host}/fetch/some:1`);
    expect(await fetchDescription({ client, store: elsewhere, reference })).toEqual(image);
    expect(await elsewhere.has(digestOf(sharedLayer))).toBeUndefined();
  });

  it("names the images that need a blob which the registry lost", async () => {
    const { store, image } = await build();
    const repository = { host: proxy.host, path: "fetch/lost" };
    await pushClusterImage({ client, store, image, repository, tags: ["1"] });
    const lost = [digestOf(sharedLayer), digestOf("web"), digestOf("charts")].sort();
    for (const digest of lost) await rm(storedFile(digest));
    onTestFinished(async () => {
      // The storage is shared with other tests' repositories: heal it.
      for (const digest of lost) await rm(storedLink("fetch/lost", digest), { recursive: true });
      await pushClusterImage({ client, store, image, repository, tags: ["1"] });
    });
    const reference = parseReference(`${proxy.host}/fetch/lost:1`);
    const message = await failureOf(fetchClusterImage({ client, store: await temporaryStore(), reference }));
    const users: Record<string, string> = {
      [digestOf(sharedLayer)]: "layer D, needed by docker.io/library/redis:7, quay.io/shop/web:1",
      [digestOf("web")]: "layer D, needed by quay.io/shop/web:1",
      [digestOf("charts")]: "rootfs D, needed by the rootfs",
    };
    expect(message.split("\n")).toEqual([
      `ARTIFACT_INVALID: ${proxy.host}/fetch/lost:1 is not whole; its registry lacks`,
      ...lost.map((digest) => `  ${users[digest]?.replace("D", digest)}`),
    ]);
  });

  it("names the image whose manifest is lost", async () => {
    const { store, image } = await build();
    const repository = { host: proxy.host, path: "fetch/manifest" };
    await pushClusterImage({ client, store, image, repository, tags: ["1"] });
    const digest = image.config.images[0]?.digest ?? image.digest;
    const blind = await proxyWith(async (_, url) => (url.includes(digest) ? { status: 404, body: "" } : undefined));
    const reference = parseReference(`${blind.host}/fetch/manifest:1`);
    const message = await failureOf(fetchClusterImage({ client, store: await temporaryStore(), reference }));
    expect(message).toContain(`manifest ${digest}, needed by docker.io/library/redis:7`);
  });

  it("takes this platform's image out of an index", async () => {
    const store = await temporaryStore();
    const options = { ...(await sampleOptions(store)), images: [] };
    const repository = { host: proxy.host, path: "fetch/index" };
    const manifests = [];
    for (const platform of [amd64, arm64]) {
      const image = await assembleClusterImage({ ...options, platform });
      await pushClusterImage({ client, store, image, repository, tags: [platform.architecture] });
      manifests.push({ ...image.descriptor, platform });
    }
    const index = Buffer.from(canonicalJson({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }));
    await client.pushManifest(repository, "1", OCI_INDEX, index, {});
    const reference = parseReference(`${proxy.host}/fetch/index:1`);
    const elsewhere = await temporaryStore();
    const image = await fetchClusterImage({ client, store: elsewhere, reference, platform: arm64 });
    expect(image.config.platform).toEqual(arm64);
    const none = { os: "linux", architecture: "s390x" };
    expect(await failureOf(fetchClusterImage({ client, store: elsewhere, reference, platform: none }))).toContain(
      "ARTIFACT_INVALID: ",
    );
  });

  it("says which reference does not exist", async () => {
    const reference = parseReference(`${proxy.host}/fetch/none:1`);
    const message = await failureOf(fetchClusterImage({ client, store: await temporaryStore(), reference }));
    expect(message).toContain("REGISTRY: cannot fetch: ");
    expect(message).toContain(`${proxy.host}/fetch/none:1`);
  });
});
