import fc from "fast-check";
import { isCacheKey } from "../../src/cache/key.ts";
import type { CacheKey, CacheRecord, LaunchRecord, RootfsRecord, StepRecord } from "../../src/cache/types.ts";
import type { CapturedImage } from "../../src/capture/types.ts";
import type { RootfsLayer } from "../../src/image/assemble.ts";
import { digestOf, hexOf } from "../../src/oci/digest.ts";
import { OCI_LAYER_GZIP, OCI_MANIFEST } from "../../src/oci/media-types.ts";

/** A key that stands for a text. */
export function keyOf(text: string): CacheKey {
  const key = hexOf(digestOf(text));
  if (!isCacheKey(key)) throw new Error(`${key} is no key`);
  return key;
}

export function sampleLayer(content: string): RootfsLayer {
  return {
    descriptor: { mediaType: OCI_LAYER_GZIP, digest: digestOf(content), size: Buffer.byteLength(content) },
    diffId: digestOf(`uncompressed ${content}`),
  };
}

export function stepRecord(name: string, layer?: RootfsLayer): StepRecord {
  return { schemaVersion: 1, kind: "step", key: keyOf(name), ...(layer === undefined ? {} : { layer }) };
}

export function rootfsRecord(name: string, layers: readonly RootfsLayer[]): RootfsRecord {
  const apps = [{ directory: "application/apps/shop", files: ["web.yaml"] }];
  return { schemaVersion: 1, kind: "rootfs", key: keyOf(name), tree: digestOf(name), layers, apps };
}

export function launchRecord(name: string, images: readonly CapturedImage[]): LaunchRecord {
  return {
    schemaVersion: 1,
    kind: "launch",
    key: keyOf(name),
    grade: "ready",
    nodeImage: `kindest/node:v1.34.4@${digestOf("node")}`,
    kubernetesVersion: "v1.34.4",
    images,
    onlyRehearsal: images.map(({ reference }) => reference),
    suggestions: [
      { reference: "docker.io/library/debug:1", where: { file: "manifests/a.yaml", line: 3 }, why: "a ConfigMap" },
    ],
    warnings: ["pod shop/web-0 waits for a volume"],
  };
}

const digest = fc.uint8Array({ minLength: 1, maxLength: 8 }).map(digestOf);
const size = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const text = fc.string({ unit: "binary", maxLength: 40 });
const line = fc.string({ maxLength: 40 });
const location = fc.record(
  { file: text, line: fc.integer({ min: 1, max: 9_999 }), column: fc.integer({ min: 1, max: 9_999 }) },
  { requiredKeys: ["file", "line"], noNullPrototype: true },
);
const layer = fc.record(
  {
    descriptor: fc.record({ mediaType: line, digest, size }, { noNullPrototype: true }),
    diffId: digest,
  },
  { noNullPrototype: true },
);
const name = fc.stringMatching(/^[a-z]{1,8}$/);
const image: fc.Arbitrary<CapturedImage> = fc.record(
  {
    reference: fc.tuple(name, name, name).map(([host, path, tag]) => `${host}.example/${path}:${tag}`),
    digest,
    mediaType: fc.constant(OCI_MANIFEST),
    size,
    reasons: fc.array(
      fc.record(
        { source: fc.constantFrom("pulled", "observed", "static", "listed"), text, where: location },
        { requiredKeys: ["source", "text"], noNullPrototype: true },
      ),
      { maxLength: 3 },
    ),
  },
  { noNullPrototype: true },
);
const base = { schemaVersion: fc.constant(1 as const), key: fc.string().map(keyOf) };

/** Any record that a build may write. */
export const anyRecord: fc.Arbitrary<CacheRecord> = fc.oneof(
  fc.record(
    { ...base, kind: fc.constant("step" as const), shown: line, below: digest, layer },
    { requiredKeys: ["schemaVersion", "key", "kind"], noNullPrototype: true },
  ),
  fc.record(
    {
      ...base,
      kind: fc.constant("rootfs" as const),
      tree: digest,
      layers: fc.array(layer, { maxLength: 3 }),
      apps: fc.array(
        fc.record({ directory: name, files: fc.array(name, { maxLength: 2 }) }, { noNullPrototype: true }),
        { maxLength: 2 },
      ),
    },
    { noNullPrototype: true },
  ),
  fc.record(
    {
      ...base,
      kind: fc.constant("launch" as const),
      grade: fc.constantFrom("ready", "pulled", "static"),
      nodeImage: line,
      kubernetesVersion: line,
      images: fc.uniqueArray(image, { maxLength: 4, selector: ({ reference }) => reference }),
      pullSecrets: fc.array(
        fc.record({ reference: line, secrets: fc.array(line, { maxLength: 2 }) }, { noNullPrototype: true }),
        { maxLength: 2 },
      ),
      onlyRehearsal: fc.array(line, { maxLength: 3 }),
      suggestions: fc.array(fc.record({ reference: line, where: location, why: text }, { noNullPrototype: true }), {
        maxLength: 2,
      }),
      warnings: fc.array(text, { maxLength: 2 }),
    },
    {
      requiredKeys: ["schemaVersion", "key", "kind", "grade", "images", "onlyRehearsal", "suggestions", "warnings"],
      noNullPrototype: true,
    },
  ),
);
