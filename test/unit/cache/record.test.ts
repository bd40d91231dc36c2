import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeRecord, encodeRecord, MAX_RECORD_BYTES, RecordRefused } from "../../../src/cache/record.ts";
import type { CacheRecord, LaunchRecord } from "../../../src/cache/types.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import { OCI_MANIFEST } from "../../../src/oci/media-types.ts";
import { failureOf } from "../../support/failure.ts";
import { anyRecord, keyOf, launchRecord, rootfsRecord, sampleLayer, stepRecord } from "../../support/sample-records.ts";

const image = {
  reference: "docker.io/library/redis:7",
  digest: digestOf("redis"),
  mediaType: OCI_MANIFEST,
  size: 7,
  reasons: [{ source: "pulled", text: "pulled by pod shop/redis-0 container redis" } as const],
};
const key = keyOf("a");
const samples: Record<string, CacheRecord> = {
  step: stepRecord("a", sampleLayer("manifests")),
  rootfs: rootfsRecord("a", [sampleLayer("manifests"), sampleLayer("charts")]),
  launch: launchRecord("a", [image]),
};

function problemOf(bytes: Uint8Array): string {
  const read = decodeRecord(bytes, key);
  return "problem" in read ? read.problem : "none";
}

function problemIn(value: unknown): string {
  return problemOf(Buffer.from(JSON.stringify(value)));
}

describe("a record", () => {
  it("is the same after writing and reading", () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        expect(decodeRecord(encodeRecord(record), record.key)).toEqual({ record });
      }),
    );
  });

  it("has one spelling", () => {
    expect(
      Object.fromEntries(Object.entries(samples).map(([kind, record]) => [kind, digestOf(encodeRecord(record))])),
    ).toMatchInlineSnapshot(`
      {
        "launch": "sha256:8e121b140deb88909fdcf26a9c68c5a7f81d179fb877483518d44063046a98ab",
        "rootfs": "sha256:49b204dda933d8866f46a02dbd4e58cca063dbcd7cce1d1e7271158266a427f6",
        "step": "sha256:a9bcf0153f498a832eed385cf8af1cbebbe226ef440c07f9ccad39bdbb1d9265",
      }
    `);
    for (const record of Object.values(samples)) {
      const shuffled: unknown = Object.fromEntries(Object.entries(record).reverse());
      const read = decodeRecord(Buffer.from(JSON.stringify(shuffled)), key);
      expect("record" in read && encodeRecord(read.record)).toEqual(encodeRecord(record));
    }
  });

  it("is nothing when a part of it is lost, wherever it is cut", () => {
    fc.assert(
      fc.property(anyRecord, fc.nat(), (record, position) => {
        const bytes = encodeRecord(record);
        const read = decodeRecord(bytes.subarray(0, position % bytes.byteLength), record.key);
        expect(read).toEqual({ problem: expect.stringMatching(/^it is not JSON: /) });
      }),
    );
  });

  it("is nothing under the key of another", () => {
    fc.assert(
      fc.property(anyRecord, fc.string(), (record, text) => {
        fc.pre(keyOf(text) !== record.key);
        expect(decodeRecord(encodeRecord(record), keyOf(text))).toEqual({
          problem: `it is of key ${record.key.slice(0, 12)}`,
        });
      }),
    );
  });

  it("never makes a reader fail, whatever the bytes are", () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.json().map(Buffer.from)), (bytes) => {
        expect(decodeRecord(bytes, key)).toHaveProperty("problem");
      }),
    );
  });

  it.each<[string, unknown, string]>([
    ["no object", [], "the document must be object"],
    ["another version", { ...samples.step, schemaVersion: 2 }, "/schemaVersion must be equal to constant"],
    [
      "an unknown kind",
      { ...samples.step, kind: "stage" },
      "/kind must be equal to one of the allowed values: step,rootfs,launch",
    ],
    ["a field of another kind", { ...samples.step, images: [] }, "the document must NOT have additional properties"],
    ["a field of nobody's", { ...samples.launch, verified: true }, "the document must NOT have additional properties"],
    ["no tree", { ...samples.rootfs, tree: undefined }, "the document must have required property 'tree'"],
    [
      "a layer that is fetched from elsewhere",
      {
        ...samples.step,
        layer: { ...sampleLayer("x"), descriptor: { ...sampleLayer("x").descriptor, urls: ["http://x"] } },
      },
      "/layer/descriptor must NOT have additional properties",
    ],
    [
      "an image whose reference says less than it seems to",
      launchRecord("a", [{ ...image, reference: "redis" }]),
      '/images/0/reference "redis" is not a full reference',
    ],
    [
      "an image twice",
      launchRecord("a", [image, image]),
      '/images/1/reference "docker.io/library/redis:7" stands here twice',
    ],
    [
      "a reference that names another digest",
      launchRecord("a", [{ ...image, reference: `docker.io/library/redis@${digestOf("other")}` }]),
      `/images/0/reference "docker.io/library/redis@${digestOf("other")}" has another digest than ${image.digest}`,
    ],
  ])("is nothing with %s", (_, value, problem) => {
    expect(problemIn(value)).toContain(problem);
  });

  it.each(["../etc/passwd", "/etc/passwd", "a/../../b"])("is nothing with an app's file %s", (file) => {
    const record = rootfsRecord("a", []);
    expect(problemIn({ ...record, apps: [{ ...record.apps[0], files: [file] }] })).toContain("/apps/0/files/0 ");
  });

  it("is nothing when it is too large, before it is read", () => {
    expect(problemOf(Buffer.alloc(MAX_RECORD_BYTES + 1, " "))).toBe("it has 4194305 bytes, more than 4194304");
  });

  it("leaves no prototype changed", () => {
    const text = JSON.stringify(samples.step).replace(/}$/, ',"__proto__":{"polluted":true}}');
    expect(problemOf(Buffer.from(text))).toContain("must NOT have additional properties");
    expect({}).not.toHaveProperty("polluted");
  });
});

describe("encodeRecord", () => {
  it("writes nothing that it would not read", async () => {
    const text = "x".repeat(8_000);
    const images: LaunchRecord["images"] = Array.from({ length: 600 }, (_, position) => ({
      ...image,
      reference: `docker.io/library/redis:${position}`,
      reasons: [{ source: "static", text }],
    }));
    const failure = await failureOf((async () => encodeRecord(launchRecord("a", images)))());
    expect(failure).toMatch(
      /^RecordRefused: the launch record of key ca978112ca1b is not kept: it has \d+ bytes, more than 4194304$/,
    );
    expect(() => encodeRecord(launchRecord("a", [image, image]))).toThrow(RecordRefused);
  });
});
