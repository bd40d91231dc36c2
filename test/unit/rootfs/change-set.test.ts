import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createGunzip } from "node:zlib";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { applyLayer } from "../../../src/rootfs/apply-layer.ts";
import { type ChangeSet, changesBetween } from "../../../src/rootfs/change-set.ts";
import { writeLayer } from "../../../src/rootfs/layer.ts";
import { removeTree } from "../../../src/rootfs/remove-tree.ts";
import { snapshotTree } from "../../../src/rootfs/tree.ts";
import { treeDigest } from "../../../src/rootfs/tree-digest.ts";
import { openStore } from "../../../src/store/store.ts";
import { type Listing, listTree, temporaryDirectories, writeTree } from "./fixture.ts";

const directories = temporaryDirectories();
afterAll(() => directories.remove());

async function treeOf(listing: Listing): Promise<string> {
  const root = await directories.create();
  await writeTree(root, listing);
  return root;
}

async function changes(before: Listing, after: Listing): Promise<Record<keyof ChangeSet, string[]>> {
  const set = changesBetween(await snapshotTree(await treeOf(before)), await snapshotTree(await treeOf(after)));
  const paths = (entries: readonly { path: string }[]): string[] => entries.map(({ path }) => path);
  return {
    added: paths(set.added),
    changed: paths(set.changed),
    removed: [...set.removed],
    parents: paths(set.parents),
  };
}

describe("changesBetween", () => {
  const nothing = { added: [], changed: [], removed: [], parents: [] };
  const table: [
    name: string,
    before: Listing,
    after: Listing,
    expected: Partial<ChangeSet | Record<string, string[]>>,
  ][] = [
    ["equal trees", { "a/b": "1", l: { link: "a" } }, { "a/b": "1", l: { link: "a" } }, {}],
    ["an added file", { "a/b": "1" }, { "a/b": "1", "a/c/d": "1" }, { added: ["a/c", "a/c/d"], parents: ["a"] }],
    ["changed content of one size", { "a/b": "1" }, { "a/b": "2" }, { changed: ["a/b"], parents: ["a"] }],
    ["a changed mode", { a: "1" }, { a: { text: "1", mode: 0o755 } }, { changed: ["a"] }],
    ["a changed link", { l: { link: "a" } }, { l: { link: "b" } }, { changed: ["l"] }],
    ["a removed tree", { "a/b/c": "1", "a/d": "1" }, { "a/d": "1" }, { removed: ["a/b"], parents: ["a"] }],
    ["a directory that became a file", { "a/b/c": "1" }, { a: "1" }, { changed: ["a"] }],
    ["a file that became a directory", { a: "1" }, { "a/b": "1" }, { added: ["a/b"], changed: ["a"] }],
    ["a directory that became a link", { "a/b": "1" }, { a: { link: "b" } }, { changed: ["a"] }],
    ["byte order", {}, { "a/b": "1", "a-b": "1", B: "1", é: "1" }, { added: ["B", "a", "a-b", "a/b", "é"] }],
  ];
  it.each(table)("finds %s", async (_name, before, after, expected) => {
    expect(await changes(before, after)).toEqual({ ...nothing, ...expected });
  });
});

const name = fc.constantFrom("a", "b", "c", "-", "é", "A b", "x".repeat(120));
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
const content = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.record({ text: fc.string({ maxLength: 5 }), mode: fc.constantFrom(0o600, 0o644, 0o755) }),
  fc.constant(null),
  name.map((target) => ({ link: target })),
);
/** A tree in which no path goes through a file or link. */
const listing = fc.array(fc.tuple(path, content), { maxLength: 8 }).map((entries) => {
  const tree: Listing = {};
  for (const [at, what] of entries) {
    const isFree = Object.entries(tree).every(
      ([other, there]) =>
        at !== other &&
        !(at.startsWith(`${other}/`) && there !== null) &&
        !(other.startsWith(`${at}/`) && what !== null),
    );
    if (isFree) tree[at] = what;
  }
  return tree;
});

describe("a layer of what changed", () => {
  it("turns the one tree into the other", async () => {
    const store = await openStore(await directories.create());
    await fc.assert(
      fc.asyncProperty(listing, listing, async (first, second) => {
        const [before, after] = [await treeOf(first), await treeOf(second)];
        const set = changesBetween(await snapshotTree(before), await snapshotTree(after));
        const layer = await writeLayer(set, after, store);
        const { stream } = await store.open(layer.descriptor.digest);
        await applyLayer(before, stream.pipe(createGunzip()));
        expect(await listTree(before)).toEqual(await listTree(after));
        expect(treeDigest(await snapshotTree(before))).toBe(treeDigest(await snapshotTree(after)));
        await Promise.all([removeTree(before), removeTree(after)]);
      }),
      { numRuns: 60 },
    );
  });

  it("does not depend on the order in which files were made", async () => {
    const store = await openStore(await directories.create());
    const shuffled = listing.chain((tree) =>
      fc.tuple(fc.constant(tree), fc.shuffledSubarray(Object.entries(tree), { minLength: Object.keys(tree).length })),
    );
    await fc.assert(
      fc.asyncProperty(shuffled, async ([tree, entries]) => {
        const roots = [await treeOf(tree), await treeOf(Object.fromEntries(entries))];
        const layers = await Promise.all(
          roots.map(async (root) => writeLayer(changesBetween(new Map(), await snapshotTree(root)), root, store)),
        );
        expect(layers[0]).toEqual(layers[1]);
        await Promise.all(roots.map(removeTree));
      }),
      { numRuns: 30 },
    );
  });

  it("refuses a file whose name would read as a removal", async () => {
    const store = await openStore(await directories.create());
    const root = await treeOf({ "a/.wh.b": "1" });
    await expect(writeLayer(changesBetween(new Map(), await snapshotTree(root)), root, store)).rejects.toMatchObject({
      code: "UNSUPPORTED",
      message: '"a/.wh.b" cannot be in a layer',
    });
  });

  it("refuses a file that changes while it is written", async () => {
    const store = await openStore(await directories.create());
    const root = await treeOf({ a: "1", b: "12" });
    const set = changesBetween(new Map(), await snapshotTree(root));
    await writeTree(root, { b: "123" });
    await expect(writeLayer(set, root, store)).rejects.toMatchObject({ message: '"b" changed while it was packed' });
    await writeTree(root, { b: "1" });
    await expect(writeLayer(set, root, store)).rejects.toMatchObject({ message: '"b" changed while it was packed' });
  });
});

describe("treeDigest", () => {
  it("differs with a path, type, mode, content or link, and with nothing else", async () => {
    const trees: Listing[] = [
      {},
      { a: "1" },
      { a: "2" },
      { b: "1" },
      { a: { text: "1", mode: 0o755 } },
      { a: null },
      { a: { link: "1" } },
      { a: { link: "2" } },
      { "a/b": "1" },
    ];
    const digests = await Promise.all(trees.map(async (tree) => treeDigest(await snapshotTree(await treeOf(tree)))));
    expect(new Set(digests).size).toBe(trees.length);
    const again = await directories.create();
    await mkdir(join(again, "a"));
    await writeTree(again, { "a/b": "1" });
    expect(treeDigest(await snapshotTree(again))).toBe(digests.at(-1));
    expect(digests[0]).toBe(`sha256:${createHash("sha256").digest("hex")}`);
  });
});
