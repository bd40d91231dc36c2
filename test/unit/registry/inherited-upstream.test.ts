import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { beforeEach, expect, test } from "vitest";
import { parseDigest } from "../../../src/oci/digest.ts";
import { formatRepository } from "../../../src/oci/reference.ts";
import { RegistryError } from "../../../src/registry/errors.ts";
import { inheritedUpstream } from "../../../src/registry/inherited-upstream.ts";
import type { RequestOptions, Upstream } from "../../../src/registry/types.ts";
import { openStore } from "../../../src/store/store.ts";
import { disposal } from "../../support/disposal.ts";
import { buildImage, buildIndex, buildLayer, type Image } from "../../support/image-builder.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const closing = disposal();
const temporaryDirectory = temporaryDirectories();
const web = { host: "docker.io", path: "shop/web" };
const origin = { host: "registry.example", path: "bases/shop" };

let image: Image;
let index: Image;
let layer: string;
let asked: string[];
let missing: readonly string[];
let upstream: Upstream;

beforeEach(async () => {
  const store = closing(await openStore(await temporaryDirectory()));
  const built = await buildLayer([{ path: "web", content: "web" }]);
  image = buildImage({ format: "oci", layers: [built], entrypoint: ["/web"] });
  index = buildIndex("oci", [image]);
  layer = image.blobs[0]?.digest ?? "";
  for (const { root } of [image, index]) await store.write(root.bytes);
  asked = [];
  missing = [];
  upstream = inheritedUpstream(registries(built.bytes), {
    store,
    origin,
    images: [
      { reference: "docker.io/shop/web:1", digest: parseDigest(index.root.digest), mediaType: index.root.mediaType },
    ],
  });
});

/** Registries that hold everything but what is missing, and note what they are asked. */
function registries(bytes: Buffer): Upstream {
  const note = (what: string, options: RequestOptions): void => {
    const credentials = (options.credentials ?? []).map(({ username }) => ` as ${username}`).join("");
    asked.push(`${what}${credentials}`);
    if (missing.some((text) => what.includes(text))) throw new RegistryError(404, "BLOB_UNKNOWN", "gone");
  };
  return {
    async resolve(repository, reference, options) {
      note(`resolve ${formatRepository(repository)} ${reference}`, options);
      return { mediaType: "other", digest: parseDigest(image.root.digest), size: 1 };
    },
    async manifest(repository, reference, options) {
      note(`manifest ${formatRepository(repository)} ${reference}`, options);
      return { mediaType: "other", digest: parseDigest(image.root.digest), bytes: Buffer.from("other") };
    },
    async blob(repository, _digest, options) {
      note(`blob ${formatRepository(repository)}`, options);
      return { size: bytes.byteLength, stream: Readable.from([bytes]) };
    },
    async hasBlob(repository, _digest, options) {
      note(`hasBlob ${formatRepository(repository)}`, options);
      return { size: 7 };
    },
  };
}

test("a captured tag, its index and its manifest are what they were, and nobody is asked", async () => {
  expect(await upstream.resolve(web, "1", {})).toEqual({
    mediaType: index.root.mediaType,
    digest: index.root.digest,
    size: index.root.bytes.byteLength,
  });
  for (const [reference, { root }] of [
    ["1", index],
    [index.root.digest, index],
    [image.root.digest, image],
  ] as const) {
    expect((await upstream.manifest(web, reference, {})).bytes).toEqual(root.bytes);
  }
  expect(asked).toEqual([]);
});

test("other tags, and other repositories, are the registries'", async () => {
  await upstream.resolve(web, "2", {});
  await upstream.manifest({ host: "docker.io", path: "shop/other" }, index.root.digest, {});
  await upstream.blob({ host: "docker.io", path: "shop/other" }, parseDigest(layer), {});
  expect(await upstream.hasBlob({ host: "docker.io", path: "shop/other" }, parseDigest(layer), {})).toEqual({
    size: 7,
  });
  expect(asked).toEqual([
    "resolve docker.io/shop/web 2",
    `manifest docker.io/shop/other ${index.root.digest}`,
    "blob docker.io/shop/other",
    "hasBlob docker.io/shop/other",
  ]);
});

test("blobs come from the base, without credentials for another registry, or else from their own", async () => {
  const options = { credentials: [{ username: "shop", password: "secret" }] };
  expect(await upstream.hasBlob(web, parseDigest(layer), options)).toEqual({ size: image.blobs[0]?.bytes.byteLength });
  expect(asked).toEqual([]);
  const { stream } = await upstream.blob(web, parseDigest(layer), options);
  expect(await buffer(stream)).toEqual(image.blobs[0]?.bytes);
  missing = ["registry.example"];
  await upstream.blob(web, parseDigest(layer), options);
  expect(asked).toEqual([
    "blob registry.example/bases/shop",
    "blob registry.example/bases/shop",
    "blob docker.io/shop/web as shop",
  ]);
});
