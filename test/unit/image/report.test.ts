import { describe, expect, it } from "vitest";
import { KubefileError } from "../../../src/error.ts";
import { assembleClusterImage } from "../../../src/image/assemble.ts";
import { buildMetadata } from "../../../src/image/metadata.ts";
import { type BuildReport, buildReport, type ReportInput } from "../../../src/image/report.ts";
import { formatReport } from "../../../src/image/report-text.ts";
import { compileSchema } from "../../../src/image/schema.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import { OCI_INDEX } from "../../../src/oci/media-types.ts";
import { amd64, sampleOptions, temporaryStore } from "../../support/sample-images.ts";

const input: ReportInput = {
  kubefile: "examples/shop/Kubefile",
  platform: amd64,
  nodeImage: "kindest/node:v1.34.4",
  kubernetesVersion: "v1.34.4",
  grade: "ready",
  needsNetwork: false,
  references: ["registry.example/shop:1", "registry.example/shop:latest"],
  transfer: {
    uploaded: { blobs: 12, bytes: 48_000_000 },
    existing: { blobs: 3, bytes: 9_000 },
    mounted: { blobs: 0, bytes: 0 },
  },
  steps: [
    { shown: "COPY etc etc", where: { file: "Kubefile", line: 2 }, state: "cached", from: "the local store" },
    {
      shown: "COPY charts/ charts/",
      where: { file: "Kubefile", line: 3 },
      state: "built",
      reason: "charts/web/values.yaml changed",
    },
  ],
  rehearsal: { state: "rehearsed", reason: "the rootfs changed" },
  images: [
    {
      reference: `quay.io/shop/operator-helper:1.2@${digestOf("helper")}`,
      digest: digestOf("helper"),
      mediaType: OCI_INDEX,
      size: 3_500_000,
      reasons: [{ source: "observed", text: "created by operator Deployment shop/op" }],
    },
    {
      reference: "docker.io/library/nginx:1.27",
      digest: digestOf("nginx"),
      mediaType: OCI_INDEX,
      size: 48_234_567,
      reasons: [
        { source: "pulled", text: "pulled by pod shop/web-0 container app" },
        { source: "static", text: "named by Deployment web", where: { file: "manifests/web.yaml", line: 17 } },
        { source: "static", text: "named by StatefulSet db", where: { file: "manifests/db.yaml", line: 21 } },
      ],
    },
  ],
  onlyRehearsal: [`quay.io/shop/operator-helper:1.2@${digestOf("helper")}`],
  suggestions: [
    {
      reference: "docker.io/library/debug:1",
      where: { file: "manifests/config.yaml", line: 8, column: 3 },
      why: "text of ConfigMap shop/tools",
    },
  ],
  warnings: ["CronJob shop/report has not run yet"],
  phases: [
    { name: "boot kind", start: 0, seconds: 12.3456 },
    { name: "build rootfs", start: 0.1, seconds: 1.5 },
    { name: "rehearse", start: 12.4, seconds: 52.25 },
    { name: "push", start: 64.7, seconds: 3 },
  ],
};

const checkReport = compileSchema<BuildReport>("report");

describe("the build report", () => {
  it.each([
    ["of a build", buildReport(input)],
    [
      "of a failure",
      buildReport({ ...input, failure: new KubefileError("PULL_FAILED", "not found\nat all", { hint: "push it" }) }),
    ],
    [
      "of a failure without hint, with nothing known",
      buildReport({
        ...input,
        nodeImage: undefined,
        kubernetesVersion: undefined,
        transfer: undefined,
        images: [],
        onlyRehearsal: [],
        suggestions: [],
        warnings: [],
        phases: [],
        failure: new KubefileError("CANCELLED", "cancelled"),
      }),
    ],
  ])("%s fits its schema when written and read again", (_, report) => {
    const written: unknown = JSON.parse(JSON.stringify(report));
    expect(checkReport(written)).toEqual({ value: report });
  });

  it("of an image fits its schema and has the image's digest and size", async () => {
    const image = await assembleClusterImage(await sampleOptions(await temporaryStore()));
    const report = buildReport({ ...input, image });
    expect(checkReport(JSON.parse(JSON.stringify(report)))).toEqual({ value: report });
    expect(report.digest).toBe(image.digest);
  });

  it("sorts images and what only the rehearsal saw", () => {
    const [helper, nginx] = input.images.map(({ reference }) => reference);
    const report = buildReport({ ...input, onlyRehearsal: input.images.map(({ reference }) => reference) });
    expect(report.images.map(({ reference }) => reference)).toEqual([nginx, helper]);
    expect(report.onlyRehearsal).toEqual([nginx, helper]);
  });

  it.each([
    ["an unknown field", { surprise: 1 }],
    ["no grade", { grade: undefined }],
    ["a digest that is none", { digest: "sha256:1" }],
    ["a negative time", { phases: [{ name: "x", start: 0, seconds: -1 }] }],
  ])("does not fit its schema with %s", (_, change) => {
    const written: unknown = JSON.parse(JSON.stringify({ ...buildReport(input), ...change }));
    expect(checkReport(written)).toHaveProperty("problems");
  });

  it("tells what a tag stood for and stands for now in a line that fits", () => {
    const [before, now] = [digestOf("before"), digestOf("now")];
    const reason = `docker.io/library/redis:7 moved from ${before} to ${now}`;
    const text = formatReport(buildReport({ ...input, rehearsal: { state: "rehearsed", reason } }), { color: false });
    const short = `docker.io/library/redis:7 moved from ${before.slice(0, 19)} to ${now.slice(0, 19)}`;
    expect(text.split("\n")).toContainEqual(expect.stringMatching(new RegExp(`rehearsal: ${short}$`)));
  });

  it("is readable", () => {
    expect(`\n${formatReport(buildReport(input), { color: false, width: 110 })}`).toMatchInlineSnapshot(`
      "
      ✓ ready: every pod of the launch became ready, without a network
        registry.example/shop:1
        registry.example/shop:latest
        sent 12 blobs, 45.8 MiB; 3 there already, 0 mounted

      Steps  1 of 2 cached
        CACHED  COPY etc etc
                COPY charts/ charts/: charts/web/values.yaml changed
                rehearsal: the rootfs changed

      Images  2 for linux/amd64 on kindest/node:v1.34.4, 49.3 MiB
        REFERENCE                           DIGEST            SIZE  WHY
        docker.io/library/nginx:1.27        5be1ecc7935f  46.0 MiB  pulled by pod shop/web-0 container app, +2 more
        quay.io/shop/operator-helper:1.2@…  e81d3b0e9d82   3.3 MiB  created by operator Deployment shop/op

      Found by the rehearsal alone  1 of 2; no file names them
        quay.io/shop/operator-helper:1.2@e81d3b0e9d82…  created by operator Deployment shop/op

      Not in the cluster image  named in texts alone; --include adds what is needed
        docker.io/library/debug:1  manifests/config.yaml:8:3  text of ConfigMap shop/tools

      Warnings  1
        ! CronJob shop/report has not run yet

      Time  1 min 08 s
        boot kind     ▏██████                          ▕        12.3 s
        build rootfs  ▏█                               ▕         1.5 s
        rehearse      ▏      █████████████████████████ ▕        52.3 s
        push          ▏                               █▕         3.0 s
      "
    `);
  });

  it("puts reasons below their images in a narrow terminal", () => {
    const lines = formatReport(buildReport(input), { color: false, width: 80 }).split("\n");
    expect(lines.slice(lines.findIndex((line) => line.startsWith("Images")) + 1).slice(0, 5)).toMatchInlineSnapshot(`
      [
        "  REFERENCE                           DIGEST            SIZE",
        "  docker.io/library/nginx:1.27        5be1ecc7935f  46.0 MiB",
        "    pulled by pod shop/web-0 container app, +2 more",
        "  quay.io/shop/operator-helper:1.2@…  e81d3b0e9d82   3.3 MiB",
        "    created by operator Deployment shop/op",
      ]
    `);
  });

  it("says why a build failed", () => {
    const failure = new KubefileError("PULL_FAILED", "Kubefile:14: shop/web:9 was not found", {
      hint: "check the tag",
    });
    const text = formatReport(buildReport({ ...input, failure }), { color: false });
    expect(text.split("\n").slice(0, 3)).toEqual([
      "✗ examples/shop/Kubefile was not built: PULL_FAILED",
      "  Kubefile:14: shop/web:9 was not found",
      "  hint: check the tag",
    ]);
  });

  it("keeps within the terminal, and lets nothing in names act on it", () => {
    const hostile = "evil\u001b[2Jname\r\n\u202egnp.exe";
    const [image] = input.images;
    if (image === undefined) throw new Error("no sample image");
    const text = formatReport(
      buildReport({
        ...input,
        kubefile: hostile,
        references: [hostile],
        warnings: [hostile],
        images: [{ ...image, reasons: [{ source: "pulled", text: hostile.repeat(20) }] }],
        suggestions: [{ reference: hostile, where: { file: hostile, line: 1 }, why: hostile }],
        phases: [{ name: hostile, start: 0, seconds: 1 }],
      }),
      { color: false, width: 90 },
    );
    // biome-ignore lint/suspicious/noControlCharactersInRegex: this is what must not be there
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    const tooWide = text.split("\n").filter((line) => [...line].length > 90);
    expect(tooWide).toEqual([]);
  });

  it("is coloured only when asked", () => {
    expect(formatReport(buildReport(input), { color: true })).toContain("\u001b[32m✓\u001b[0m");
  });
});

describe("the metadata file", () => {
  it("fits its schema when written and read again", async () => {
    const options = await sampleOptions(await temporaryStore());
    const image = await assembleClusterImage(options);
    for (const references of [[], ["registry.example/shop:1", "registry.example/shop:latest"]]) {
      const metadata = buildMetadata(image, references, options.images);
      expect(compileSchema("metadata")(JSON.parse(JSON.stringify(metadata)))).toEqual({ value: metadata });
    }
  });

  it("has what buildx writes under buildx's keys", async () => {
    const options = await sampleOptions(await temporaryStore());
    const image = await assembleClusterImage(options);
    expect(buildMetadata(image, ["registry.example/shop:1", "registry.example/shop:2"], options.images)).toMatchObject({
      "image.name": "registry.example/shop:1,registry.example/shop:2",
      "containerimage.digest": image.digest,
      "containerimage.config.digest": image.configBlob.digest,
      "containerimage.descriptor": { digest: image.digest, size: image.bytes.byteLength },
    });
  });
});
