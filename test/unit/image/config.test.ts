import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeConfig, parseConfig } from "../../../src/image/config.ts";
import type { ClusterImageConfig } from "../../../src/image/types.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import { OCI_MANIFEST } from "../../../src/oci/media-types.ts";
import { failureOf } from "../../support/failure.ts";
import { amd64, sampleDescription } from "../../support/sample-images.ts";

const sample: ClusterImageConfig = {
  ...sampleDescription,
  schemaVersion: 1,
  platform: amd64,
  rootfs: { diffIds: [digestOf("layer")] },
  images: [{ reference: "docker.io/library/redis:7", digest: digestOf("redis"), mediaType: OCI_MANIFEST }],
};

const image = sample.images[0];
const command = sample.launch.commands[0];
const app = sample.apps[0];

function parse(value: unknown): Promise<string> {
  return failureOf((async () => parseConfig(Buffer.from(JSON.stringify(value))))());
}

describe("the config of a cluster image", () => {
  it("has one spelling", () => {
    expect(digestOf(encodeConfig(sample))).toBe(
      "sha256:f981e50911407e8146c56cb0b1940c8bb971a4b0a30efccb961ce50252106a30",
    );
    const shuffled = Object.fromEntries(Object.entries(sample).reverse()) as unknown as ClusterImageConfig;
    expect(encodeConfig(shuffled)).toEqual(encodeConfig(sample));
  });

  it("is the same after writing and reading", () => {
    const word = fc.string({ unit: "binary", maxLength: 40 }).filter((text) => !text.includes("\0"));
    const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.]{0,10}$/);
    const env = fc.dictionary(name, word, { maxKeys: 5, noNullPrototype: true });
    fc.assert(
      fc.property(env, env, fc.array(word.filter((text) => text !== "")), (variables, labels, commands) => {
        const launch = {
          commands: commands.map((text) => ({ command: text, directory: "", env: variables, source: "a" })),
        };
        const config = { ...sample, env: variables, labels, launch };
        expect(parseConfig(encodeConfig(config))).toEqual(config);
      }),
    );
  });

  it("may have fields that a later version added", () => {
    expect(parseConfig(Buffer.from(JSON.stringify({ ...sample, later: { more: 1 } })))).toMatchObject(sample);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ["another version", { schemaVersion: 2 }, "/schemaVersion must be equal to constant"],
    ["no launch", { launch: undefined }, "the document must have required property 'launch'"],
    [
      "an unknown grade",
      { grade: "perfect" },
      "/grade must be equal to one of the allowed values: ready,pulled,static",
    ],
    [
      "a platform with a path",
      { platform: { os: "linux", architecture: "../amd64" } },
      "/platform/architecture must match",
    ],
    [
      "an empty command",
      { launch: { commands: [{ ...command, command: "" }] } },
      "/launch/commands/0/command must NOT",
    ],
    [
      "a command with a NUL",
      { launch: { commands: [{ ...command, command: "a\0b" }] } },
      "/launch/commands/0/command must match",
    ],
    ["a variable's name with =", { env: { "A=B": "c" } }, '/env: name "A=B" must match pattern'],
    ["a variable that is a number", { env: { A: 1 } }, "/env/A must be string"],
    ["a variable with a NUL", { env: { A: "\0" } }, "/env/A must match"],
    ["an app of an unknown type", { apps: [{ ...app, type: "docker" }] }, "/apps/0/type must be equal to one of"],
    ["a digest in capitals", { rootfs: { diffIds: [`sha256:${"A".repeat(64)}`] } }, "/rootfs/diffIds/0 must match"],
    [
      "a digest with a path",
      { images: [{ ...image, digest: "sha256:../../etc/passwd" }] },
      "/images/0/digest must match",
    ],
    [
      "a reference in short form",
      { images: [{ ...image, reference: "redis:7" }] },
      '/images/0/reference "redis:7" is not a full reference',
    ],
    ["a reference with blanks", { images: [{ ...image, reference: "docker.io/a b" }] }, "is not a full reference"],
    [
      "a reference of another digest",
      { images: [{ ...image, reference: `docker.io/library/a@${digestOf("a")}` }] },
      "has another digest than",
    ],
    ["an image twice", { images: [image, image] }, '/images/1/reference "docker.io/library/redis:7" stands here twice'],
    [
      "a label without end",
      { labels: { a: "x".repeat(70_000) } },
      "/labels/a must NOT have more than 65536 characters",
    ],
  ])("is refused with %s", async (_, change, problem) => {
    const message = await parse({ ...sample, ...change });
    expect(message).toContain("ARTIFACT_INVALID: the cluster image's config is not valid:\n");
    expect(message).toContain(problem);
  });

  it.each(["/etc", "..", "../x", "a/../../b", "a/..", "a\u2028/../b", "a\n/../b", "a\0"])(
    "is refused with the path %j, as directory and as an app's file",
    async (path) => {
      expect(await parse({ ...sample, launch: { commands: [{ ...command, directory: path }] } })).toContain(
        "/directory",
      );
      expect(await parse({ ...sample, apps: [{ ...app, files: [path] }] })).toContain("/apps/0/files/0");
    },
  );

  it.each(["", ".", "a", "a/b..c", "..a/b", "a b/ü", "..."])("takes the path %j", (path) => {
    const config = { ...sample, apps: [{ ...sample.apps[0], files: [path] }] };
    expect(parseConfig(Buffer.from(JSON.stringify(config))).apps[0]?.files).toEqual([path]);
  });

  it("is refused with all problems at once, but not with a million", async () => {
    const message = await parse({
      ...sample,
      grade: 1,
      env: Object.fromEntries([..."abcdefghijklmnopqrstuvwxyz"].map((key) => [key, 1])),
    });
    expect(message.split("\n")).toHaveLength(22);
    expect(message).toMatch(/\n {2}and \d+ more$/);
  });

  it.each([
    ["no JSON", "{", "is not JSON"],
    ["no UTF-8", Buffer.from([0x22, 0xff, 0x22]), "is not JSON"],
    ["a list", "[]", "the document must be object"],
    ["null", "null", "the document must be object"],
    ["a prototype", '{"__proto__": {"schemaVersion": 1}}', "must have required property 'schemaVersion'"],
  ])("is refused when it is %s", async (_, bytes, problem) => {
    expect(await failureOf((async () => parseConfig(Buffer.from(bytes)))())).toContain(problem);
  });

  it("is refused when it is larger than registries and readers take", async () => {
    const labels = Object.fromEntries(Array.from({ length: 100 }, (_, key) => [key, "x".repeat(60_000)]));
    expect(await failureOf((async () => encodeConfig({ ...sample, labels }))())).toContain("ARTIFACT_TOO_LARGE: ");
  });
});
