import { describe, expect, it } from "vitest";
import { uploadsOf } from "../../../src/image/cluster-image.ts";
import { type DiffInput, diffClusterImages, diffValues } from "../../../src/image/diff.ts";
import { diffLaunch } from "../../../src/image/diff-launch.ts";
import { compileSchema } from "../../../src/image/schema.ts";
import type { LaunchCommand } from "../../../src/image/types.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import { compareReleases, releases } from "./shop-releases.ts";

describe("diffClusterImages", () => {
  it("pairs images by name, and the only one of a repository by that", async () => {
    const { images } = await compareReleases();
    const names = (list: readonly { reference: string }[]): string[] => list.map(({ reference }) => reference);
    expect(names(images.added)).toEqual(["quay.io/shop/new:1"]);
    expect(names(images.removed)).toEqual(["quay.io/shop/gone:1"]);
    expect(images.moved.map(({ from, to }) => `${from.reference} ${to.reference}`)).toEqual([
      "docker.io/library/redis:7 docker.io/library/redis:8",
      "quay.io/shop/web:1 quay.io/shop/web:1",
    ]);
    expect(images.unchanged).toBe(1);
  });

  it("does not guess which of several images became which", async () => {
    const [from, to] = await releases();
    const renamed = (input: DiffInput, tags: readonly string[]): DiffInput => ({
      ...input,
      walked: input.walked
        .slice(0, tags.length)
        .map((image, position) => ({ ...image, reference: `quay.io/a/b:${tags[position]}` })),
    });
    const { images } = diffClusterImages(renamed(from, ["1"]), renamed(to, ["2", "3"]), { notCompared: "" });
    expect([images.added.length, images.removed.length, images.moved.length]).toEqual([2, 1, 0]);
  });

  it("says which layers of a moved image are others", async () => {
    const { images } = await compareReleases();
    expect(images.moved.map(({ layers }) => layers)).toEqual([
      {
        kept: 1,
        added: [{ digest: digestOf("redis 8, larger"), size: 15 }],
        removed: [{ digest: digestOf("redis 7"), size: 7 }],
      },
      { kept: 1, added: [{ digest: digestOf("web anew"), size: 8 }], removed: [{ digest: digestOf("web"), size: 3 }] },
    ]);
  });

  it("counts every blob that a site lacks, and the manifest", async () => {
    const [from, to] = await releases();
    const held = new Set(uploadsOf(from.image).map(({ digest }) => digest));
    const lacking = [...uploadsOf(to.image).filter(({ digest }) => !held.has(digest)), to.image.descriptor];
    const { transfer } = await compareReleases();
    expect(transfer).toEqual({ blobs: lacking.length, bytes: lacking.reduce((sum, { size }) => sum + size, 0) });
  });

  it("finds nothing between an image and itself", async () => {
    const [from] = await releases();
    const diff = diffClusterImages(from, from, { from: new Map(), to: new Map() });
    expect(diff).toMatchObject({
      identical: true,
      transfer: { blobs: 0, bytes: 0 },
      properties: [],
      images: { added: [], removed: [], moved: [], unchanged: 4 },
      rootfs: { layers: { kept: 2, added: [], removed: [] } },
      launch: { commands: [] },
      apps: { added: [], removed: [], changed: [] },
      ...{ env: [], labels: [], annotations: [] },
    });
  });

  it("fits its schema, with files and without", async () => {
    const [from, to] = await releases();
    const check = compileSchema("diff");
    for (const diff of [await compareReleases(), diffClusterImages(from, to, { notCompared: "as asked" })]) {
      expect(check(JSON.parse(JSON.stringify(diff)))).not.toHaveProperty("problems");
    }
  });
});

describe("diffValues", () => {
  it("tells new, gone and changed names, sorted", () => {
    expect(diffValues({ b: "1", same: "1", gone: "1" }, { same: "1", b: "2", a: "" })).toEqual([
      { name: "a", to: "" },
      { name: "b", from: "1", to: "2" },
      { name: "gone", from: "1" },
    ]);
  });

  it("is not misled by names that objects have anyway", () => {
    expect(diffValues({}, JSON.parse('{"__proto__": "1", "constructor": "2"}'))).toEqual([
      { name: "__proto__", to: "1" },
      { name: "constructor", to: "2" },
    ]);
  });
});

describe("diffLaunch", () => {
  const commands = (...texts: readonly string[]): LaunchCommand[] =>
    texts.map((command, position) => ({ command, directory: ".", env: {}, source: `Kubefile:${position}` }));
  const shown = (from: readonly string[], to: readonly string[]): string[] =>
    diffLaunch(commands(...from), commands(...to)).commands.map(({ state, command }) => `${state} ${command}`);

  it.each<[string[], string[], string[]]>([
    [["a", "b"], ["a", "b"], []],
    [[], ["a"], ["added a"]],
    [["a"], [], ["removed a"]],
    [
      ["a", "b", "c"],
      ["a", "x", "c"],
      ["kept a", "removed b", "added x", "kept c"],
    ],
    [
      ["a", "b"],
      ["b", "a"],
      ["removed a", "kept b", "added a"],
    ],
    [["a", "a"], ["a"], ["kept a", "removed a"]],
  ])("of %j and %j", (from, to, expected) => {
    expect(shown(from, to)).toEqual(expected);
  });

  it("heeds directory, environment and app, but not where a command was written", () => {
    const [command] = commands("a");
    if (command === undefined) throw new Error();
    const differs = (change: Partial<LaunchCommand>): boolean =>
      diffLaunch([command], [{ ...command, ...change }]).commands.length > 0;
    expect([{ source: "x:1" }, { directory: "b" }, { env: { A: "1" } }, { app: "b" }].map(differs)).toEqual([
      ...[false, true, true, true],
    ]);
  });

  it("does not compare one by one what is too long", () => {
    const long = Array.from({ length: 1_001 }, (_, number) => String(number));
    expect(shown(long, [...long, "new"])).toHaveLength(2 * long.length + 1);
  });
});
