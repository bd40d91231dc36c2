import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { assembleClusterImage } from "../../../src/image/assemble.ts";
import { type ClusterImage, uploadsOf } from "../../../src/image/cluster-image.ts";
import { type MoveTagsOptions, moveTags } from "../../../src/image/move-tags.ts";
import { pushClusterImage } from "../../../src/image/push.ts";
import { canonicalJson } from "../../../src/oci/canonical-json.ts";
import { type Digest, digestOf } from "../../../src/oci/digest.ts";
import { OCI_INDEX } from "../../../src/oci/media-types.ts";
import { parseReference } from "../../../src/oci/reference.ts";
import type { RegistryClient } from "../../../src/registry/types.ts";
import { type CountingProxy, type Intercept, startCountingProxy } from "../../support/counting-proxy.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { failureOf } from "../../support/failure.ts";
import { type CommandHome, commandHome } from "../../support/kubefile-command.ts";
import { fetchBlob } from "../../support/registry-walk.ts";
import { amd64, arm64, putRootfsLayer, sampleDescription, temporaryStore } from "../../support/sample-images.ts";
import { startTokenAuthRegistry } from "../../support/token-auth-registry.ts";
import { toolPath } from "../../support/tool-path.ts";
import { credentialsFor, upstreamClient } from "../../support/upstream-client.ts";

const run = promisify(execFile);

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

/** Pushes a cluster image whose rootfs has this content. */
async function push(path: string, tag: string, content: string, platform = amd64): Promise<ClusterImage> {
  const store = await temporaryStore();
  const layers = [await putRootfsLayer(store, "shared"), await putRootfsLayer(store, content)];
  const image = await assembleClusterImage({ store, config: sampleDescription, layers, images: [], platform });
  const repository = { host: registry.host, path };
  await pushClusterImage({ client, store, image, repository, tags: [tag] });
  return image;
}

function move(source: string, targets: readonly string[], options: Partial<MoveTagsOptions> = {}, host = proxy.host) {
  const named = (text: string) => parseReference(`${host}/${text}`);
  return moveTags({ client, source: named(source), targets: targets.map(named), ...options });
}

async function proxyWith(intercept: Intercept): Promise<CountingProxy> {
  const own = await startCountingProxy(registry.host, intercept);
  onTestFinished(() => own.stop());
  return own;
}

/** What another client sees. */
async function craneDigest(name: string): Promise<string> {
  const { stdout } = await run(await toolPath("crane"), ["digest", "--insecure", `${registry.host}/${name}`]);
  return stdout.trim();
}

describe("within a repository", () => {
  it("makes names stand for a digest, without a blob", async () => {
    const old = await push("tag/plain", "edge", "old");
    const image = await push("tag/plain", "sha-1", "new");
    proxy.clear();
    const moved = await move(`tag/plain@${image.digest}`, ["tag/plain:edge", "tag/plain:1.0", "tag/plain:sha-1"]);
    expect(moved).toEqual({
      digest: image.digest,
      mediaType: image.descriptor.mediaType,
      tags: [
        { reference: `${proxy.host}/tag/plain:edge`, state: "moved", before: old.digest },
        { reference: `${proxy.host}/tag/plain:1.0`, state: "created" },
        { reference: `${proxy.host}/tag/plain:sha-1`, state: "unchanged", before: image.digest },
      ],
    });
    expect(await Promise.all(["edge", "1.0"].map((tag) => craneDigest(`tag/plain:${tag}`)))).toEqual([
      image.digest,
      image.digest,
    ]);
    expect(proxy.requests.filter(({ url }) => url.includes("/blobs/"))).toEqual([]);
    expect(proxy.requests.filter(({ method }) => method === "PUT").map(({ url }) => url)).toEqual([
      "/v2/tag/plain/manifests/edge",
      "/v2/tag/plain/manifests/1.0",
    ]);
  });

  it("moves the tag of an index to all of it", async () => {
    const images = [await push("tag/index", "a", "a"), await push("tag/index", "b", "b", arm64)];
    const index = await pushIndex("tag/index", images);
    const moved = await move("tag/index:1", ["tag/index:edge"]);
    expect(moved).toMatchObject({ digest: index, mediaType: OCI_INDEX });
    expect(await craneDigest("tag/index:edge")).toBe(index);
  });

  it("says what the registry said of a source that is not there", async () => {
    await push("tag/missing", "1", "content");
    const error = await move("tag/missing:2", ["tag/missing:3"]).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "REGISTRY", hint: "check the name and the tag" });
    expect(String(error)).toContain("cannot fetch: ");
  });
});

describe("into another repository of the registry", () => {
  it("has the registry mount the blobs", async () => {
    const images = [await push("tag/from", "a", "a"), await push("tag/from", "b", "b", arm64)];
    const index = await pushIndex("tag/from", images);
    proxy.clear();
    await move("tag/from:1", ["tag/to:1", "tag/to:2", "tag/from:2"]);
    expect(await Promise.all(["tag/to:1", "tag/to:2", "tag/from:2"].map(craneDigest))).toEqual([index, index, index]);
    // Two configs, two layers of their own, one that both have.
    expect(proxy.count("POST")).toBe(5);
    const put = proxy.requests.filter(({ method }) => method === "PUT").map(({ url }) => url);
    expect(put.every((url) => url.includes("/manifests/"))).toBe(true);
    for (const { digest, size } of images.flatMap(uploadsOf)) {
      expect((await fetchBlob(registry, "tag/to", digest)).byteLength).toBe(size);
    }

    proxy.clear();
    await move("tag/from:1", ["tag/to:3"]);
    expect(proxy.requests.filter(({ url }) => url.includes("/blobs/"))).toEqual([]);
  });

  it("fails where the registry does not mount, before any name is moved", async () => {
    await push("tag/unmounted", "1", "unmounted");
    const refusing = await proxyWith(async (method, url) =>
      method === "POST" && url.includes("mount=") ? { status: 405, body: "" } : undefined,
    );
    const names = ["tag/nowhere:1", "tag/unmounted:2"];
    expect(await failureOf(move("tag/unmounted:1", names, {}, refusing.host))).toBe(
      `REGISTRY: ${refusing.host} does not mount 3 blobs of 3 from tag/unmounted into tag/nowhere, and tag sends nothing itself`,
    );
    await expect(craneDigest("tag/unmounted:2")).rejects.toThrow();
  });

  it("needs the right to read the one and write the other", async () => {
    const user = { username: "me", password: "secret", repositories: ["team/app", "team/released"] };
    const guarded = await startTokenAuthRegistry({ users: [user] });
    const mine = upstreamClient({ credentials: credentialsFor({ [guarded.host]: user }) });
    try {
      const store = await temporaryStore();
      const layers = [await putRootfsLayer(store, "content")];
      const image = await assembleClusterImage({
        store,
        config: sampleDescription,
        layers,
        images: [],
        platform: amd64,
      });
      const repository = { host: guarded.host, path: "team/app" };
      await pushClusterImage({ client: mine, store, image, repository, tags: ["1"] });
      await move("team/app:1", ["team/released:1"], { client: mine }, guarded.host);
      const released = { host: guarded.host, path: "team/released" };
      expect((await mine.resolve(released, "1", {})).digest).toBe(image.digest);
      const message = await failureOf(move("team/app:1", ["others/app:1"], { client: mine }, guarded.host));
      expect(message).toContain("REGISTRY: ");
    } finally {
      await mine.close();
      await guarded.stop();
    }
  });
});

describe("what may not be moved", () => {
  it("is a name of another registry", async () => {
    const targets = ["other.example/shop:1", `${proxy.host}/shop:2`].map(parseReference);
    const failure = failureOf(move("tag/plain:edge", [], { targets }));
    expect(await failure).toBe(
      `USAGE: other.example/shop:1: tag moves names within ${proxy.host}, and sends nothing to another registry`,
    );
  });

  it("is a name that does not stand for what is expected; then none is moved", async () => {
    const old = await push("tag/expected", "edge", "old");
    const image = await push("tag/expected", "sha-1", "new");
    const source = `tag/expected@${image.digest}`;
    const expected = digestOf("something else");
    const names = ["tag/expected:edge", "tag/expected:new"];
    expect(await failureOf(move(source, names, { expected }))).toBe(
      [
        `TAG_MOVED: no tag was moved, since --if-digest asks for a name of ${expected}:`,
        `  ${proxy.host}/tag/expected:edge is ${old.digest}`,
        `  ${proxy.host}/tag/expected:new is not there`,
      ].join("\n"),
    );
    expect(await failureOf(move(source, names, { expected: "none" }))).toBe(
      [
        "TAG_MOVED: no tag was moved, since --if-digest asks for a name that is not there yet:",
        `  ${proxy.host}/tag/expected:edge is ${old.digest}`,
      ].join("\n"),
    );
    expect(await craneDigest("tag/expected:edge")).toBe(old.digest);
    await move(source, ["tag/expected:edge"], { expected: old.digest });
    await move(source, ["tag/expected:new"], { expected: "none" });
    expect(await Promise.all(names.map(craneDigest))).toEqual([image.digest, image.digest]);
  });

  it("is told, with what was moved, when the registry refuses one of several", async () => {
    const old = await push("tag/kept", "1.0", "old");
    const image = await push("tag/kept", "sha-1", "new");
    const message = "tag 1.0 is immutable";
    const keeping = await proxyWith(async (method, url) =>
      method === "PUT" && url.endsWith("/manifests/1.0")
        ? { status: 409, body: JSON.stringify({ errors: [{ code: "TAG_INVALID", message }] }) }
        : undefined,
    );
    const names = ["tag/kept:edge", "tag/kept:1.0", "tag/kept:1"];
    const { host } = keeping;
    expect(await failureOf(move("tag/kept:sha-1", names, {}, host))).toBe(
      [
        `REGISTRY: not every name stands for ${host}/tag/kept@${image.digest}:`,
        `  ${host}/tag/kept:1.0: registry ${host} answered 409 for manifest 1.0 to ${host}/tag/kept: ${message}`,
        "these do:",
        `  ${host}/tag/kept:edge`,
        `  ${host}/tag/kept:1`,
      ].join("\n"),
    );
    expect(await Promise.all(names.map(craneDigest))).toEqual([image.digest, old.digest, image.digest]);
  });

  it("is noticed when somebody else moves it at the same time", async () => {
    await push("tag/raced", "edge", "old");
    const image = await push("tag/raced", "sha-1", "new");
    const other = await push("tag/raced", "sha-2", "newer");
    let races = true;
    const racing = await proxyWith(async (method, url) => {
      if (method === "HEAD" && url.endsWith("/manifests/edge") && !races) {
        await move("tag/raced:sha-2", ["tag/raced:edge"]);
      }
      if (method === "PUT") races = false;
      return undefined;
    });
    const { host } = racing;
    expect(await failureOf(move("tag/raced:sha-1", ["tag/raced:edge", "tag/raced:1"], {}, host))).toBe(
      [
        `TAG_MOVED: not every name stands for ${host}/tag/raced@${image.digest}:`,
        `  ${host}/tag/raced:edge: is ${other.digest} now`,
        "these do:",
        `  ${host}/tag/raced:1`,
      ].join("\n"),
    );
  });
});

describe("kubefile tag", () => {
  let home: CommandHome;
  beforeAll(async () => {
    home = await commandHome();
  });
  afterAll(() => home.remove());

  it("prints names with the digest, or JSON", async () => {
    const image = await push("tag/command", "sha-1", "new");
    const name = `${registry.host}/tag/command`;
    const plain = await home.kubefile(["tag", `${name}:sha-1`, "edge", `${name}:1.0`, "edge"]);
    expect(plain).toMatchObject({ exitCode: 0, stdout: `${name}:edge@${image.digest}\n${name}:1.0@${image.digest}\n` });
    expect(plain.stderr).toContain(`tag: 2 names moved to ${image.digest}`);
    const json = await home.kubefile(["tag", `${name}:sha-1`, "edge", "--format", "json", "--if-digest", image.digest]);
    expect(JSON.parse(json.stdout)).toEqual({
      digest: image.digest,
      mediaType: image.descriptor.mediaType,
      tags: [{ reference: `${name}:edge`, state: "unchanged", before: image.digest }],
    });
    const refused = await home.kubefile(["tag", `${name}:sha-1`, "edge", "--if-digest", "none"]);
    expect(refused).toMatchObject({ exitCode: 1, stdout: "" });
    expect(refused.stderr).toContain("error[TAG_MOVED]: no tag was moved");
  });
});

async function pushIndex(path: string, images: readonly ClusterImage[]): Promise<Digest> {
  const manifests = images.map(({ descriptor, config }) => ({ ...descriptor, platform: config.platform }));
  const bytes = Buffer.from(canonicalJson({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }));
  await client.pushManifest({ host: registry.host, path }, "1", OCI_INDEX, bytes, {});
  return digestOf(bytes);
}
