import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { parseDigest } from "../../../src/oci/digest.ts";
import { isManifestType } from "../../../src/oci/media-types.ts";
import type { Repository } from "../../../src/oci/reference.ts";
import type { RegistryClient } from "../../../src/registry/types.ts";
import { disposal } from "../../support/disposal.ts";
import { startDockerRegistry } from "../../support/docker-registry.ts";
import { buildImage, buildIndex, buildLayer, type Image } from "../../support/image-builder.ts";
import { uploadImage } from "../../support/image-upload.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";
import { startTokenAuthRegistry } from "../../support/token-auth-registry.ts";
import { credentialsFor, upstreamClient } from "../../support/upstream-client.ts";

const closing = disposal();
const temporaryDirectory = temporaryDirectories();
const me = { username: "me", password: "pass:word/ü" };

async function randomImage(architecture = "amd64"): Promise<Image> {
  const layers = await Promise.all(
    [1, 2].map((number) => buildLayer([{ path: `file-${number}`, content: randomBytes(300_000) }])),
  );
  return buildImage({ format: "oci", layers, entrypoint: ["/x"], platform: { os: "linux", architecture } });
}

/** Pushes by our client what the builder made: blobs, children, the root under a tag. */
async function push(client: RegistryClient, repository: Repository, tag: string, image: Image): Promise<string[]> {
  const outcomes: string[] = [];
  const isManifest = ({ mediaType }: { mediaType: string }) => isManifestType(mediaType);
  for (const { digest, bytes } of image.blobs.filter((blob) => !isManifest(blob))) {
    const source = { digest: parseDigest(digest), size: bytes.byteLength, open: async () => Readable.from([bytes]) };
    outcomes.push(await client.pushBlob(repository, source, {}));
  }
  for (const { digest, bytes, mediaType } of image.blobs.filter(isManifest)) {
    const reference = digest === image.root.digest ? tag : digest;
    await client.pushManifest(repository, reference, mediaType, bytes, {});
  }
  return outcomes;
}

/** Reads everything back by our client and compares it byte by byte. */
async function expectSame(client: RegistryClient, repository: Repository, tag: string, image: Image): Promise<void> {
  const root = await client.resolve(repository, tag, {});
  expect(root).toEqual({
    mediaType: image.root.mediaType,
    digest: image.root.digest,
    size: image.root.bytes.byteLength,
  });
  for (const { digest, bytes, mediaType } of image.blobs) {
    if (isManifestType(mediaType)) {
      const found = await client.manifest(repository, digest, {});
      expect(found.mediaType).toBe(mediaType);
      expect(found.bytes.equals(bytes)).toBe(true);
    } else {
      const offset = Math.floor(bytes.byteLength / 3);
      expect(await client.hasBlob(repository, parseDigest(digest), {})).toEqual({ size: bytes.byteLength });
      const { size, stream } = await client.blob(repository, parseDigest(digest), { offset });
      expect(size).toBe(bytes.byteLength);
      expect((await buffer(stream)).equals(bytes.subarray(offset))).toBe(true);
    }
  }
}

/** Copies an image out of a registry with skopeo and compares its bytes with the builder's. */
async function expectSkopeoSees(host: string, path: string, image: Image, credentials?: string): Promise<void> {
  const directory = join(await temporaryDirectory(), "copy");
  await promisify(execFile)("skopeo", [
    ...["copy", "--src-tls-verify=false", "--all"],
    ...(credentials === undefined ? [] : ["--src-creds", credentials]),
    ...[`docker://${host}/${path}:v1`, `dir:${directory}`],
  ]);
  expect((await readFile(join(directory, "manifest.json"))).equals(image.root.bytes)).toBe(true);
  for (const { digest, bytes, mediaType } of image.blobs.filter((blob) => blob !== image.root)) {
    const hex = digest.slice("sha256:".length);
    const name = isManifestType(mediaType) ? `${hex}.manifest.json` : hex;
    expect((await readFile(join(directory, name))).equals(bytes)).toBe(true);
  }
}

describe("with an open docker-registry", () => {
  it("skopeo reads what we push, and we read what others push", async () => {
    const registry = await startDockerRegistry();
    closing({ close: () => registry.stop() });
    const client = closing(upstreamClient());
    const image = buildIndex("oci", [await randomImage("amd64"), await randomImage("arm64")]);

    const repository = { host: registry.host, path: "team/ours" };
    expect(new Set(await push(client, repository, "v1", image))).toEqual(new Set(["uploaded"]));
    await expectSkopeoSees(registry.host, "team/ours", image);

    await uploadImage({ url: registry.url }, "team/theirs", "v1", image);
    await expectSame(client, { host: registry.host, path: "team/theirs" }, "v1", image);
  });

  it("nothing is sent twice, and what another repository has is mounted", async () => {
    const registry = await startDockerRegistry();
    closing({ close: () => registry.stop() });
    const client = closing(upstreamClient());
    const image = await randomImage();
    const repository = { host: registry.host, path: "team/first" };
    await push(client, repository, "v1", image);
    expect(new Set(await push(client, repository, "v2", image))).toEqual(new Set(["exists"]));
    expect([...(await client.tags(repository, {}))].sort()).toEqual(["v1", "v2"]);

    const [layer] = image.blobs;
    if (layer === undefined) throw new Error("no layer");
    const source = {
      digest: parseDigest(layer.digest),
      size: layer.bytes.byteLength,
      open: () => Promise.reject(new Error("a mounted blob is not read")),
    };
    const second = { host: registry.host, path: "team/second" };
    const options = { mountFrom: ["team/none", "team/first"] };
    // docker-registry answers a mount it cannot make with a session, which is used.
    await expect(client.pushBlob(second, source, options)).rejects.toThrow("not read");
    expect(await client.pushBlob(second, source, { mountFrom: ["team/first"] })).toBe("mounted");
    await expect(client.resolve(second, "v1", {})).rejects.toMatchObject({ status: 404, code: "MANIFEST_UNKNOWN" });
  });

  it("a manifest whose blobs are missing is refused with the registry's words", async () => {
    const registry = await startDockerRegistry();
    closing({ close: () => registry.stop() });
    const client = closing(upstreamClient());
    const image = await randomImage();
    const repository = { host: registry.host, path: "team/app" };
    await expect(
      client.pushManifest(repository, "v1", image.root.mediaType, image.root.bytes, {}),
    ).rejects.toMatchObject({ status: 400, code: "MANIFEST_BLOB_UNKNOWN" });
    await expect(client.tags(repository, {})).rejects.toMatchObject({ status: 404, code: "NAME_UNKNOWN" });
    expect(await client.hasBlob(repository, parseDigest(image.root.digest), {})).toBeUndefined();
  });

  it("a manifest that changed on the registry's disk is not taken for the one asked for", async () => {
    const registry = await startDockerRegistry();
    closing({ close: () => registry.stop() });
    const client = closing(upstreamClient());
    const image = await randomImage();
    const repository = { host: registry.host, path: "team/app" };
    await push(client, repository, "v1", image);
    const hex = image.root.digest.slice("sha256:".length);
    const file = join(registry.storage, "docker/registry/v2/blobs/sha256", hex.slice(0, 2), hex, "data");
    await writeFile(file, (await randomImage()).root.bytes);
    await expect(client.manifest(repository, image.root.digest, {})).rejects.toMatchObject({
      status: 502,
      code: "DIGEST_INVALID",
    });
  });
});

describe("with a docker-registry that wants a password", () => {
  it("we push and pull with it, and are refused without", async () => {
    const registry = await startDockerRegistry({ auth: me });
    closing({ close: () => registry.stop() });
    const client = closing(upstreamClient({ credentials: credentialsFor({ [registry.host]: me }) }));
    const image = await randomImage();
    const repository = { host: registry.host, path: "team/app" };
    await push(client, repository, "v1", image);
    await expectSame(client, repository, "v1", image);
    await expectSkopeoSees(registry.host, "team/app", image, `${me.username}:${me.password}`);

    const stranger = closing(upstreamClient());
    await expect(stranger.resolve(repository, "v1", {})).rejects.toMatchObject({
      status: 401,
      code: "UNAUTHORIZED",
      detail: expect.stringContaining("authentication required"),
    });
    const mistaken = closing(
      upstreamClient({ credentials: credentialsFor({ [registry.host]: { ...me, password: "wrong" } }) }),
    );
    await expect(mistaken.manifest(repository, "v1", {})).rejects.toMatchObject({ status: 401 });
  });
});

describe("with a docker-registry behind a token service", () => {
  const users = [
    { ...me, identityToken: "refresh-me", repositories: ["team/app", "team/base"] },
    { username: "other", password: "other-secret", repositories: ["other/app"] },
  ];

  it("we push and pull with scoped tokens, one for many requests", async () => {
    const registry = await startTokenAuthRegistry({ users });
    closing({ close: () => registry.stop() });
    const client = closing(upstreamClient({ credentials: credentialsFor({ [registry.host]: me }) }));
    const image = await randomImage();
    const repository = { host: registry.host, path: "team/app" };
    await push(client, repository, "v1", image);
    await expectSame(client, repository, "v1", image);
    await expectSkopeoSees(registry.host, "team/app", image, `${me.username}:${me.password}`);
    const ours = registry.tokens.requests.filter(({ headers }) => headers["user-agent"] === "kubefile-test");
    expect(ours.length).toBeLessThanOrEqual(2);
  });

  it("we mount from a repository that the same credential may read", async () => {
    const registry = await startTokenAuthRegistry({ users });
    closing({ close: () => registry.stop() });
    const client = closing(upstreamClient({ credentials: credentialsFor({ [registry.host]: me }) }));
    const image = await randomImage();
    await push(client, { host: registry.host, path: "team/base" }, "v1", image);
    const [layer] = image.blobs;
    if (layer === undefined) throw new Error("no layer");
    const source = {
      digest: parseDigest(layer.digest),
      size: layer.bytes.byteLength,
      open: async () => Readable.from([layer.bytes]),
    };
    const target = { host: registry.host, path: "team/app" };
    expect(await client.pushBlob(target, source, { mountFrom: ["team/base"] })).toBe("mounted");
  });

  it("an identity token serves as well", async () => {
    const registry = await startTokenAuthRegistry({ users });
    closing({ close: () => registry.stop() });
    const credential = { username: "", password: "", identityToken: "refresh-me" };
    const client = closing(upstreamClient({ credentials: credentialsFor({ [registry.host]: credential }) }));
    await push(client, { host: registry.host, path: "team/app" }, "v1", await randomImage());
    expect(registry.tokens.requests.map(({ method }) => method)).toContain("POST");
  });

  it("the right one of several credentials is found, and nobody else's repository is opened", async () => {
    const registry = await startTokenAuthRegistry({ users, publicRepositories: ["other/app"] });
    closing({ close: () => registry.stop() });
    const [, other] = users;
    if (other === undefined) throw new Error("no user");
    const wrong = { username: "me", password: "wrong" };
    const client = closing(upstreamClient({ credentials: credentialsFor({ [registry.host]: [wrong, other, me] }) }));
    const image = await randomImage();
    const repository = { host: registry.host, path: "team/app" };
    await push(client, repository, "v1", image);
    await expectSame(client, repository, "v1", image);

    const others = closing(upstreamClient({ credentials: credentialsFor({ [registry.host]: other }) }));
    await expect(others.manifest(repository, "v1", {})).rejects.toMatchObject({ status: 401, code: "UNAUTHORIZED" });
    const stranger = closing(upstreamClient());
    await expect(stranger.resolve(repository, "v1", {})).rejects.toMatchObject({ status: 401 });
  });

  it("what is public needs no credential", async () => {
    const registry = await startTokenAuthRegistry({ users, publicRepositories: ["team/app"] });
    closing({ close: () => registry.stop() });
    const owner = closing(upstreamClient({ credentials: credentialsFor({ [registry.host]: me }) }));
    const image = await randomImage();
    const repository = { host: registry.host, path: "team/app" };
    await push(owner, repository, "v1", image);
    const stranger = closing(upstreamClient());
    await expectSame(stranger, repository, "v1", image);
    await expect(push(stranger, repository, "v2", await randomImage())).rejects.toMatchObject({ status: 401 });
  });
});
