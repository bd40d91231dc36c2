import { execFile } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Readable } from "node:stream";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { gzip } from "../../../src/rootfs/gzip.ts";
import { temporaryDirectories } from "./fixture.ts";

const repository = resolve(import.meta.dirname, "../../..");
const program = join(repository, "test/fixtures/rootfs/two-layers.mjs");
const directories = temporaryDirectories();
afterAll(() => directories.remove());

/**
 * Builds a fixed tree with two layers in a process of its own: the environment, the umask and the order of creation
 * differ, the digests must not. They are the bytes users push; a change here makes every layer new to every registry.
 */
const golden = {
  diffIds: [
    "sha256:cefc52c278fda0474511b9bbf36d3bb60571d6ca18e4c7a017056d82f75c4b2d",
    "sha256:56b73b8118c5885ca1b0c6afa7f4f8628d1de2cc3ab9642fa026d0f53472e99f",
  ],
  digests: [
    "sha256:0f02dfec462329f17f539db97c1e3435a7c548fd11734fd06ce3bb4eabc2f7bc",
    "sha256:3bed2514e1d6f4e8d599e6d5faff8978903f96bc30b00e4259b7322a513fcc6f",
  ],
  tree: "sha256:ed08e47df337e624c37ea6d3f25c35083e342da4c55f37d70a2b2021596c7ec4",
};

describe("layers are the same bytes", () => {
  let compiled: string;

  beforeAll(async () => {
    compiled = await directories.create();
    await symlink(join(repository, "node_modules"), join(compiled, "node_modules"));
    await writeFile(join(compiled, "package.json"), '{ "type": "module" }');
    const config = {
      extends: join(repository, "tsconfig.build.json"),
      compilerOptions: {
        rootDir: join(repository, "src"),
        outDir: compiled,
        declaration: false,
        typeRoots: [join(repository, "node_modules/@types")],
      },
      include: [],
      files: ["rootfs/copy.ts", "rootfs/tree-digest.ts", "rootfs/workspace.ts", "store/store.ts"].map((file) =>
        join(repository, "src", file),
      ),
    };
    await writeFile(join(compiled, "tsconfig.json"), JSON.stringify(config));
    await promisify(execFile)(join(repository, "node_modules/.bin/tsc"), ["-p", join(compiled, "tsconfig.json")]);
  }, 60_000);

  it.each([
    { umask: "022", TZ: "UTC", LANG: "C", order: "as written" },
    { umask: "077", TZ: "Pacific/Auckland", LANG: "tr_TR.UTF-8", order: "reversed" },
    { umask: "000", TZ: "America/St_Johns", LANG: "de_DE.ISO-8859-1", order: "as written" },
  ])("with umask $umask, TZ $TZ, LANG $LANG, files made in the order $order", async ({ umask, TZ, LANG, order }) => {
    const work = join(await directories.create(), "work");
    await mkdir(work);
    const script = `umask ${umask}; exec "$0" "$@"`;
    const { stdout } = await promisify(execFile)(
      "sh",
      ["-c", script, process.execPath, program, compiled, work, order],
      { env: { TZ, LANG, LC_ALL: LANG, PATH: process.env.PATH ?? "" } },
    );
    expect(JSON.parse(stdout)).toEqual(golden);
  });
});

describe("gzip", () => {
  async function compressed(chunks: readonly Buffer[]): Promise<Buffer> {
    return Buffer.concat(await Readable.from(gzip(Readable.from(chunks))).toArray());
  }
  const sample = Buffer.from(Array.from({ length: 400_000 }, (_, index) => (index % 251) ^ ((index * index) >> 9)));

  it("has fixed bytes, with neither time nor name", async () => {
    const bytes = await compressed([sample]);
    expect(bytes.subarray(0, 10).toString("hex")).toBe("1f8b0800000000000003");
    expect(digestOf(bytes)).toBe("sha256:05784fa85428850945cd2d1b4e1fb261e6c153e1e0831399da7c777323cf8b24");
    expect(gunzipSync(bytes).equals(sample)).toBe(true);
    expect(gunzipSync(await compressed([])).length).toBe(0);
  });

  it("does not depend on how its input is cut", async () => {
    const whole = await compressed([sample]);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: sample.length }), { maxLength: 12 }), async (cuts) => {
        const bounds = [0, ...cuts.sort((a, b) => a - b), sample.length];
        const chunks = bounds.slice(1).map((end, index) => sample.subarray(bounds[index], end));
        expect((await compressed(chunks)).equals(whole)).toBe(true);
      }),
      { numRuns: 20 },
    );
  });
});
