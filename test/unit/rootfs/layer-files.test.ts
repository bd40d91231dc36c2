import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { applyLayer } from "../../../src/rootfs/apply-layer.ts";
import { diffFiles } from "../../../src/rootfs/diff-files.ts";
import { joinLayers, type Leaf } from "../../../src/rootfs/join-layers.ts";
import { type LayerFiles, listLayer, type ReadingBudget } from "../../../src/rootfs/layer-files.ts";
import { snapshotTree } from "../../../src/rootfs/tree.ts";
import { failureOf } from "../../support/failure.ts";
import { type Member, tarOf, temporaryDirectories } from "./fixture.ts";

const directories = temporaryDirectories();
afterAll(() => directories.remove());

const plenty = (): ReadingBudget => ({ entries: 1_000, bytes: 1_000_000 });

function list(members: readonly Member[], budget = plenty()): Promise<LayerFiles> {
  return listLayer(tarOf(...members), budget);
}

async function joined(...layers: readonly (readonly Member[])[]): Promise<Record<string, string>> {
  const listed: LayerFiles[] = [];
  for (const members of layers) listed.push(await list(members));
  return Object.fromEntries([...joinLayers(listed)].map(([path, leaf]) => [path, textOf(leaf)]));
}

function textOf(leaf: Leaf): string {
  return leaf.type === "link"
    ? `-> ${leaf.target}`
    : `${leaf.mode.toString(8)} ${leaf.size} ${leaf.digest.slice(7, 15)}`;
}

function text(content: string, mode = "644"): string {
  return `${mode} ${content.length} ${digestOf(content).slice(7, 15)}`;
}

describe("the files of layers", () => {
  const lower: Member[] = [
    { name: "a/x", content: "1" },
    { name: "a/deep/z", content: "2" },
    { name: "b", content: "3" },
    { name: "l", type: "symlink", linkname: "a" },
  ];
  const all = { "a/deep/z": text("2"), "a/x": text("1"), b: text("3"), l: "-> a" };

  it.each<[string, Member[], Record<string, string>]>([
    ["are those of the lowest", [], all],
    ["lose what a whiteout names", [{ name: ".wh.b" }], { "a/deep/z": text("2"), "a/x": text("1"), l: "-> a" }],
    ["lose all below a whiteout", [{ name: ".wh.a" }], { b: text("3"), l: "-> a" }],
    [
      "lose what an opaque whiteout hides, not what stands beside it",
      [{ name: "a/new", content: "4" }, { name: "a/.wh..wh..opq" }],
      { "a/new": text("4"), b: text("3"), l: "-> a" },
    ],
    ["pass over whiteouts of nothing", [{ name: "a/.wh.none" }, { name: ".wh..wh.plnk" }], all],
    [
      "change with a directory that became a file, and the other way",
      [
        { name: "a", content: "5" },
        { name: "b/c", content: "6" },
      ],
      { a: text("5"), "b/c": text("6"), l: "-> a" },
    ],
    ["stay with a directory that is there already", [{ name: "a/", type: "directory" }], all],
    [
      "have the content of what a hard link names",
      [
        { name: "h", type: "link", linkname: "b" },
        { name: "i", type: "link", linkname: "n" },
        { name: "n", content: "7", mode: 0o755 },
      ],
      { ...all, h: text("3"), i: text("7", "755"), n: text("7", "755") },
    ],
  ])("%s", async (_name, upper, expected) => {
    expect(await joined(lower, upper)).toEqual(expected);
  });

  it("are the same as those of the unpacked tree", async () => {
    const name = fc.constantFrom("a", "b", "c", "é");
    const member = fc.oneof(
      fc.record({
        name: fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/")),
        content: fc.string({ maxLength: 5 }),
      }),
      fc.record({
        name: fc.array(name, { minLength: 1, maxLength: 2 }).map((names) => `${names.join("/")}/`),
        type: fc.constant("directory" as const),
      }),
      fc.record({ name, type: fc.constant("symlink" as const), linkname: name }),
      fc
        .tuple(fc.constantFrom("", "a/", "a/b/"), name)
        .map(([directory, hidden]) => ({ name: `${directory}.wh.${hidden}` })),
      fc.constantFrom("", "a/", "b/").map((directory) => ({ name: `${directory}.wh..wh..opq` })),
    );
    const layer: fc.Arbitrary<Member[]> = fc.uniqueArray(member, {
      selector: ({ name }) => name.replace(/\/$/, ""),
      maxLength: 6,
    });
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(layer, { minLength: 1, maxLength: 3 }), async (layers) => {
        const root = await directories.create();
        try {
          for (const members of layers) await applyLayer(root, tarOf(...members));
        } catch {
          // Layers that contradict themselves are refused there.
          return;
        }
        compared += 1;
        const tree = [...(await snapshotTree(root)).values()].filter(({ type }) => type !== "directory");
        const expected = tree.map((entry) => [
          entry.path,
          entry.type === "link" ? `-> ${entry.target}` : entry.type === "file" ? textOf(entry) : "",
        ]);
        expect(Object.entries(await joined(...layers))).toEqual(expected);
      }),
      { numRuns: 150 },
    );
    expect(compared).toBeGreaterThan(30);
  });
});

describe("listLayer", () => {
  const members: Member[] = [{ name: "a", content: "1" }];

  it("reads gzip and plain tars alike, whatever they are called", async () => {
    const plain = await buffer(tarOf(...members));
    const gzipped = await listLayer(Readable.from([gzipSync(plain)]), plenty());
    expect(gzipped).toEqual(await listLayer(Readable.from([plain]), plenty()));
    expect([...gzipped.entries.keys()]).toEqual(["a"]);
  });

  it.each<[string, () => Promise<LayerFiles>, string]>([
    [
      "something else",
      () => listLayer(Readable.from([Buffer.alloc(1024, "x")]), plenty()),
      "the layer is not a whole tar archive: Invalid tar header. Maybe the tar is corrupted or it needs to be gunzipped?",
    ],
    ["a path that climbs", () => list([{ name: "../a", content: "1" }]), 'the layer: "../a" climbs out of the tree'],
    [
      "too many entries",
      () => list(members, { entries: 0, bytes: 10_000 }),
      "the layer has more entries than are read for a comparison",
    ],
    [
      "too many bytes",
      () => list(members, { entries: 10, bytes: 1_000 }),
      "the layer has more bytes than are read for a comparison",
    ],
  ])("refuses %s", async (_name, read, message) => {
    expect(await failureOf(read())).toBe(`UNSAFE_ARCHIVE: ${message}`);
  });

  it.each([".wh.", "a/.wh.", "a/.wh..."])("refuses %s, which applying it would, too", async (name) => {
    expect(await failureOf(list([{ name }]))).toBe(
      `UNSAFE_ARCHIVE: the layer: ${JSON.stringify(name)} is a whiteout of no name`,
    );
  });

  it("counts the layers of a comparison together", async () => {
    const budget = { entries: 3, bytes: 1_000_000 };
    await list([{ name: "a" }, { name: "b" }], budget);
    await expect(list([{ name: "a" }, { name: "b" }], budget)).rejects.toMatchObject({ code: "UNSAFE_ARCHIVE" });
  });

  it("passes on what its source says", async () => {
    const broken = Readable.from(
      (async function* () {
        yield Buffer.alloc(10);
        throw Object.assign(new Error("the line is dead"), { code: "ECONNRESET" });
      })(),
    );
    await expect(listLayer(broken, plenty())).rejects.toThrow("the line is dead");
  });
});

describe("diffFiles", () => {
  it("compares content, mode, target and type", () => {
    const file = (content: string, mode = 0o644): Leaf => ({
      type: "file",
      mode,
      size: content.length,
      digest: digestOf(content),
    });
    const link = (target: string): Leaf => ({ type: "link", target });
    const from = {
      content: file("1"),
      mode: file("1"),
      target: link("a"),
      type: file("1"),
      same: file("1"),
      sameLink: link("a"),
      gone: file("1"),
    };
    const to = {
      content: file("2"),
      mode: file("1", 0o755),
      target: link("b"),
      type: link("1"),
      same: file("1"),
      sameLink: link("a"),
      new: file("1"),
    };
    const changes = diffFiles(new Map(Object.entries(from)), new Map(Object.entries(to)));
    expect(changes).toEqual({
      added: [{ path: "new", to: to.new }],
      removed: [{ path: "gone", from: from.gone }],
      changed: [
        { path: "content", from: from.content, to: to.content },
        { path: "mode", from: from.mode, to: to.mode },
        { path: "target", from: from.target, to: to.target },
        { path: "type", from: from.type, to: to.type },
      ],
      unchanged: 2,
    });
  });
});
