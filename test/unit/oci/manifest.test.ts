import { describe, expect, it } from "vitest";
import { canonicalJson } from "../../../src/oci/canonical-json.ts";
import { digestOf, isDigest, parseDigest } from "../../../src/oci/digest.ts";
import { parseManifest, selectPlatform } from "../../../src/oci/manifest.ts";
import { DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from "../../../src/oci/media-types.ts";

const digest = digestOf("blob");
const descriptor = { mediaType: "application/x", digest, size: 4 };
const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/** A manifest with these members besides its config. */
function repeated(...members: string[]): Buffer {
  return Buffer.from(`{"config":${JSON.stringify(descriptor)},${members.join(" , ")}}`);
}

describe("parseManifest", () => {
  it("leaves annotations their names, and unknown members their values", () => {
    const annotations = { Layers: "a", layers: "b", URLS: 'a "quoted": {' };
    const more = { note: "\\\\", more: [{ a: 1 }, { a: 2 }, "a", "a"], subject: { ...descriptor, annotations } };
    const parsed = parseManifest(bytes({ config: { ...descriptor, annotations }, layers: [descriptor], ...more }));
    expect(parsed).toMatchObject({ config: { annotations }, layers: [descriptor] });
  });

  it("reads an OCI manifest", () => {
    const manifest = parseManifest(
      bytes({ schemaVersion: 2, mediaType: OCI_MANIFEST, config: descriptor, layers: [descriptor] }),
    );
    expect(manifest).toEqual({
      kind: "image",
      mediaType: OCI_MANIFEST,
      config: descriptor,
      layers: [descriptor],
      annotations: {},
    });
  });

  it("takes the type of the answer where the bytes name none", () => {
    expect(parseManifest(bytes({ config: descriptor, layers: [] }), DOCKER_MANIFEST).mediaType).toBe(DOCKER_MANIFEST);
    expect(parseManifest(bytes({ manifests: [] }), DOCKER_LIST).mediaType).toBe(DOCKER_LIST);
    expect(parseManifest(bytes({ manifests: [] })).mediaType).toBe(OCI_INDEX);
  });

  it.each([
    ["text", Buffer.from("<html>"), /not JSON/],
    ["a list", bytes([]), /not a JSON object/],
    ["no config", bytes({ layers: [] }), /config is not a descriptor/],
    ["no layers", bytes({ config: descriptor }), /layers is not a list/],
    [
      "a path for a digest",
      bytes({ config: { ...descriptor, digest: "sha256:../../etc/passwd" }, layers: [] }),
      /no sha256 digest/,
    ],
    ["a negative size", bytes({ config: { ...descriptor, size: -1 }, layers: [] }), /no valid size/],
    ["a huge list", bytes({ config: descriptor, layers: Array(10_001).fill(1) }), /more than 10000/],
    ["schema 1", bytes({ schemaVersion: 1, fsLayers: [] }), /schema 1/],
    [
      "an index that is an image as well",
      bytes({ manifests: [], config: descriptor, layers: [] }),
      /both an index and/,
    ],
    [
      "a name of another case",
      bytes({ config: descriptor, layers: [], Layers: [] }),
      /"Layers" can be read in two ways/,
    ],
    ["addresses that Go reads", bytes({ config: { ...descriptor, URLS: ["http://x"] }, layers: [] }), /"URLS" can be/],
    ["a letter that Go reads", bytes({ config: descriptor, layers: [], "layer\u017f": [] }), /can be read in two ways/],
    ["a name that is there twice", repeated('"layers":[]', '"layers":[]'), /"layers" can be read in two ways/],
    ["a name and the same with an escape", repeated('"layers":[]', '"\\u006cayers":[]'), /"layers" can be read/],
    ["null for one of two forms", repeated('"manifests":[]', '"manifests":null'), /"manifests" can be read/],
    ["invalid UTF-8", Buffer.from([0x7b, 0xff, 0x7d]), /not JSON/],
    ["too many bytes", Buffer.alloc(4_393_217, 0x20), /exceed/],
  ])("refuses %s", (_name, content, message) => {
    expect(() => parseManifest(content)).toThrow(message);
  });

  it("does not let a hostile document reach prototypes", () => {
    const hostile = Buffer.from(
      `{"config":${JSON.stringify(descriptor)},"layers":[],"annotations":{"__proto__":{"polluted":"yes"}}}`,
    );
    parseManifest(hostile);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe("selectPlatform", () => {
  const child = (architecture: string, variant?: string, annotations?: Record<string, string>) => ({
    ...descriptor,
    digest: digestOf(`${architecture}${variant}`),
    platform: { os: "linux", architecture, ...(variant === undefined ? {} : { variant }) },
    ...(annotations === undefined ? {} : { annotations }),
  });

  it("prefers the exact variant and passes attestations over", () => {
    const attestation = child("amd64", undefined, { "vnd.docker.reference.type": "attestation-manifest" });
    const children = [attestation, child("amd64"), child("arm64", "v8"), child("arm", "v6"), child("arm", "v7")];
    expect(selectPlatform(children, { os: "linux", architecture: "amd64" })).toBe(children[1]);
    expect(selectPlatform(children, { os: "linux", architecture: "arm64" })).toBe(children[2]);
    expect(selectPlatform(children, { os: "linux", architecture: "arm", variant: "v7" })).toBe(children[4]);
    expect(selectPlatform(children, { os: "linux", architecture: "s390x" })).toBeUndefined();
  });
});

describe("digests and JSON", () => {
  it("accepts sha256 in lower case only", () => {
    expect(parseDigest(digest)).toBe(digest);
    for (const text of [
      digest.toUpperCase(),
      `${digest}0`,
      digest.slice(0, -1),
      "sha512:00",
      "sha256:../x",
      `${digest}\n`,
    ]) {
      expect(isDigest(text)).toBe(false);
      expect(() => parseDigest(text)).toThrow(/not a sha256 digest/);
    }
  });

  it("spells equal values equally", () => {
    expect(canonicalJson({ b: [{ d: 1, c: 2 }], a: "x" })).toBe('{"a":"x","b":[{"c":2,"d":1}]}');
  });
});
