import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeEach, describe, expect, test } from "vitest";
import { parseDigest } from "../../../src/oci/digest.ts";
import { createArtifactSource } from "../../../src/registry/artifact-source.ts";
import { type CachingProxy, createCachingProxy } from "../../../src/registry/caching-proxy.ts";
import { createRegistryClient } from "../../../src/registry/client.ts";
import { completeImage } from "../../../src/registry/complete-image.ts";
import { startRegistryServer } from "../../../src/registry/server.ts";
import type { ContentSource, PullEvent } from "../../../src/registry/types.ts";
import { openStore } from "../../../src/store/store.ts";
import type { Store } from "../../../src/store/types.ts";
import { startContainerd } from "../../support/containerd.ts";
import { disposal } from "../../support/disposal.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { buildImage, buildIndex, buildLayer, type Format, type Image } from "../../support/image-builder.ts";
import { uploadImage } from "../../support/image-upload.ts";
import { plainUpstream } from "../../support/plain-upstream.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const closing = disposal();
const temporaryDirectory = temporaryDirectories();
const accessHeader = { name: "x-kubefile-run", value: "0123456789abcdef" };
const amd64 = { os: "linux", architecture: "amd64" };

let upstream: DockerRegistry;
let store: Store;
let proxy: CachingProxy;
let events: PullEvent[];

beforeEach(async () => {
  upstream = await startDockerRegistry();
  closing({ close: () => upstream.stop() });
  store = closing(await openStore(await temporaryDirectory()));
  proxy = createCachingProxy({
    store,
    upstream: plainUpstream({ "docker.io": upstream.host, "ghcr.io": upstream.host }),
  });
  events = [];
});

async function image(text: string, format: Format = "oci", architecture = "amd64"): Promise<Image> {
  const layers = await Promise.all(
    [1, 2, 3].map((number) => buildLayer([{ path: `${text}-${number}`, content: `${text}\n`.repeat(20_000) }])),
  );
  return buildImage({ format, layers, entrypoint: ["/x"], platform: { os: "linux", architecture } });
}

async function serve(source: ContentSource, withAccessHeader = true) {
  return closing(
    await startRegistryServer({
      host: "127.0.0.1",
      source,
      defaultNamespace: "docker.io",
      onEvent: (event) => events.push(event),
      ...(withAccessHeader ? { accessHeader } : {}),
    }),
  );
}

describe("containerd", () => {
  test.each<Format>(["oci", "docker"])("pulls %s images of two registries through the proxy", async (format) => {
    const index = buildIndex(format, [await image("arm", format, "arm64"), await image("web", format)]);
    const tool = await image("tool", format);
    await uploadImage(upstream, "library/web", "1", index);
    await uploadImage(upstream, "tools/tool", "2", tool);
    const server = await serve(proxy);
    const containerd = closing(await startContainerd(server.url, accessHeader));
    await containerd.pull("docker.io/library/web:1");
    await containerd.pull(`ghcr.io/tools/tool:2@${tool.root.digest}`);
    const { stdout } = await containerd.ctr("images", "list");
    expect(stdout).toContain(index.root.digest);
    expect(stdout).toContain(tool.root.digest);
    const manifests = events.filter(({ kind, method }) => kind === "manifest" && method === "HEAD");
    expect(manifests).toEqual([
      expect.objectContaining({
        repository: { host: "docker.io", path: "library/web" },
        reference: "1",
        digest: index.root.digest,
        mediaType: index.root.mediaType,
        status: 200,
      }),
      expect.objectContaining({
        repository: { host: "ghcr.io", path: "tools/tool" },
        reference: tool.root.digest,
        status: 200,
      }),
    ]);
    expect(events.filter(({ error }) => error !== undefined)).toEqual([]);
  });

  test("is told why an image is not to be had, once", async () => {
    const server = await serve(proxy);
    const containerd = closing(await startContainerd(server.url, accessHeader));
    await expect(containerd.pull("docker.io/library/absent:1")).rejects.toThrow("not found");
    expect(events.map(({ method, status }) => `${method} ${status}`)).toEqual(["HEAD 404"]);
  });

  test("without the run's header gets nothing", async () => {
    await uploadImage(upstream, "library/web", "1", await image("web"));
    const server = await serve(proxy);
    const containerd = closing(await startContainerd(server.url, { ...accessHeader, value: "another run" }));
    await expect(containerd.pull("docker.io/library/web:1")).rejects.toThrow("403");
    expect(upstream.log.some((line) => line.includes("/v2/library/web/manifests/1") && line.includes("GET"))).toBe(
      false,
    );
  });

  test("pulls from a captured image alone when the upstream is gone", async () => {
    const web = buildIndex("oci", [await image("web"), await image("arm", "oci", "arm64")]);
    await uploadImage(upstream, "library/web", "1", web);
    const repository = { host: "docker.io", path: "library/web" };
    await completeImage({ source: proxy, repository, reference: "1", platform: amd64 });
    await upstream.stop();
    const source = createArtifactSource({
      store,
      images: [
        { reference: "docker.io/library/web:1", digest: parseDigest(web.root.digest), mediaType: web.root.mediaType },
      ],
    });
    const server = await serve(source);
    const containerd = closing(await startContainerd(server.url, accessHeader));
    await containerd.pull("docker.io/library/web:1");
    await expect(containerd.pull("docker.io/library/web:2")).rejects.toThrow("not found");
    expect(source.missing).toEqual([{ repository: "docker.io/library/web", reference: "2" }]);
  });
});

describe("a private registry behind the proxy, asked by the product's own client", () => {
  const auth = { username: "shop", password: "correct horse battery" };

  async function behind(password: string) {
    const registry = await startDockerRegistry({ auth });
    closing({ close: () => registry.stop() });
    const app = await image("app");
    await uploadImage({ url: registry.url, credentials: auth }, "shop/app", "1", app);
    const client = closing(
      createRegistryClient({
        userAgent: "kubefile-test",
        credentials: { credentials: async () => [{ username: auth.username, password }] },
        // A loopback address is dialled only for who named it.
        trustedHosts: (host) => host === registry.host,
      }),
    );
    const server = await serve(createCachingProxy({ store, upstream: client }));
    const containerd = closing(await startContainerd(server.url, accessHeader));
    return { containerd, app, reference: `${registry.host}/shop/app:1` };
  }

  test("the node needs no credentials", async () => {
    const { containerd, app, reference } = await behind(auth.password);
    await containerd.pull(reference);
    expect((await containerd.ctr("images", "list")).stdout).toContain(app.root.digest);
    for (const { digest } of app.blobs) expect(await store.verify(parseDigest(digest))).toBe(true);
  });

  test("refused credentials are told in the registry's words, and are nowhere in them", async () => {
    const { containerd, reference } = await behind("a wrong secret");
    await expect(containerd.pull(reference)).rejects.toThrow("403");
    expect(events).toEqual([expect.objectContaining({ status: 403, error: expect.stringContaining("shop/app:1") })]);
    expect(JSON.stringify(events)).not.toContain("a wrong secret");
  });
});

describe("skopeo", () => {
  test("copies an image and finds its manifest byte for byte", async () => {
    const web = buildIndex("docker", [await image("web", "docker"), await image("arm", "docker", "arm64")]);
    await uploadImage(upstream, "library/web", "1", web);
    const server = await serve(proxy, false);
    const layout = join(await temporaryDirectory(), "layout");
    const name = `docker://127.0.0.1:${server.port}/library/web:1`;
    const skopeo = promisify(execFile);
    await skopeo("skopeo", ["copy", "--all", "--preserve-digests", "--src-tls-verify=false", name, `dir:${layout}`]);
    expect((await readFile(join(layout, "manifest.json"))).equals(web.root.bytes)).toBe(true);
    for (const { digest, bytes } of web.blobs) {
      expect((await readFile(store.pathOf(parseDigest(digest)))).equals(bytes)).toBe(true);
    }
  });
});
