import { link, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { applyLayer } from "../../../src/rootfs/apply-layer.ts";
import { packTree } from "../../../src/rootfs/pack-tree.ts";
import { snapshotTree } from "../../../src/rootfs/tree.ts";
import { unpackTree } from "../../../src/rootfs/unpack-tree.ts";
import { type Listing, listTree, type Member, tarOf, temporaryDirectories, writeTree } from "./fixture.ts";

const directories = temporaryDirectories();
afterAll(() => directories.remove());

let root: string;
beforeEach(async () => {
  root = await directories.create();
});

describe("applyLayer of a tree that is only copied from", () => {
  it("adapts what a rootfs could not hold, and leaves out the rest", async () => {
    const members: Member[] = [
      { name: "bin/su", mode: 0o4755, content: "su" },
      { name: "bin/sh", type: "symlink", linkname: "/bin/su" },
      { name: "usr/lib/deep/up", type: "symlink", linkname: "/bin/../bin/./su" },
      { name: "root", type: "symlink", linkname: "/" },
      { name: "dev/null", type: "character-device", devmajor: 1, devminor: 3 },
      { name: "out", type: "symlink", linkname: "../out" },
      { name: "../climbs", content: "" },
      { name: "root/through", content: "" },
      { name: "after", content: "a" },
    ];
    await applyLayer(root, tarOf(...members), { adapts: true });
    expect(await listTree(root)).toEqual([
      '644 after "a"',
      "755 bin/",
      "bin/sh -> su",
      '755 bin/su "su"',
      "root -> .",
      "755 usr/",
      "755 usr/lib/",
      "755 usr/lib/deep/",
      "usr/lib/deep/up -> ../../../bin/su",
    ]);
  });
});

describe("applyLayer", () => {
  const lower: Listing = { "a/x": "1", "a/y": "1", "a/deep/z": "1", b: "1", l: { link: "a" } };
  const untouched = (without: RegExp): string[] =>
    ["755 a/", "755 a/deep/", '644 a/deep/z "1"', '644 a/x "1"', '644 a/y "1"', '644 b "1"', "l -> a"].filter(
      (line) => !without.test(line),
    );

  const table: [name: string, members: Member[], expected: string[]][] = [
    ["removes a file", [{ name: "a/.wh.x" }], untouched(/a\/x/)],
    ["removes a directory with all in it", [{ name: ".wh.a" }], untouched(/ a\//)],
    ["removes a link, not what it means", [{ name: ".wh.l" }], untouched(/^l/)],
    ["passes over a whiteout of nothing", [{ name: ".wh.none" }, { name: "a/.wh.none" }], untouched(/^$/)],
    ["passes over metadata of aufs", [{ name: ".wh..wh.plnk" }, { name: ".wh..wh.aufs" }], untouched(/^$/)],
    ["hides lower layers' files behind an opaque whiteout", [{ name: "a/.wh..wh..opq" }], untouched(/a\/./)],
    [
      "keeps this layer's files whether an opaque whiteout stands before or behind them",
      [{ name: "a/new", content: "2" }, { name: "a/.wh..wh..opq" }, { name: "a/newer", content: "2" }],
      ["755 a/", '644 a/new "2"', '644 a/newer "2"', '644 b "1"', "l -> a"],
    ],
    [
      "keeps this layer's files when a whiteout of their directory comes late",
      [{ name: "a/deep/new", content: "2" }, { name: ".wh.a" }],
      ["755 a/", "755 a/deep/", '644 a/deep/new "2"', '644 b "1"', "l -> a"],
    ],
    [
      "replaces a directory by a file and a file by a directory",
      [
        { name: "a", content: "2" },
        { name: "b/", type: "directory" },
        { name: "b/c", content: "2" },
      ],
      ['644 a "2"', "755 b/", '644 b/c "2"', "l -> a"],
    ],
    ["replaces a link by a file, not what it means", [{ name: "l", content: "2" }], [...untouched(/^l/), '644 l "2"']],
    [
      "keeps modes, readable by the owner",
      [
        { name: "m/", type: "directory", mode: 0o1070 },
        { name: "m/f", mode: 0o007, content: "2" },
      ],
      [...untouched(/^$/), "770 m/", '407 m/f "2"'],
    ],
    [
      "takes the last of two files of one name",
      [
        { name: "b", content: "2" },
        { name: "./b", content: "3" },
      ],
      [...untouched(/^644 b|^l/), '644 b "3"', "l -> a"],
    ],
  ];
  it.each(table)("%s", async (_name, members, expected) => {
    await writeTree(root, lower);
    await applyLayer(root, tarOf(...members));
    expect(await listTree(root)).toEqual(expected);
  });

  it.each([".wh.", ".wh..", ".wh...", "a/.wh..."])("refuses %s, a whiteout of no name", async (name) => {
    await writeTree(root, lower);
    await expect(applyLayer(root, tarOf({ name }))).rejects.toMatchObject({ code: "UNSAFE_ARCHIVE" });
    expect(await listTree(root)).toEqual(untouched(/^$/));
  });

  it("stops when it is aborted", async () => {
    const controller = new AbortController();
    controller.abort(new Error("enough"));
    await expect(applyLayer(root, tarOf({ name: "a" }), { signal: controller.signal })).rejects.toThrow("enough");
  });
});

describe("unpackTree", () => {
  it("makes the tree what the archive holds", async () => {
    await writeTree(root, { old: "o", both: "o" });
    await unpackTree(root, tarOf({ name: "both", content: "n" }, { name: "d/.wh.x", content: "plain" }));
    expect(await listTree(root)).toEqual(['644 both "n"', "755 d/", '644 d/.wh.x "plain"']);
  });

  it("takes the prefix off that docker cp puts on", async () => {
    await unpackTree(
      root,
      tarOf(
        { name: "rootfs/", type: "directory", mode: 0o700 },
        { name: "rootfs/a", content: "1" },
        { name: "rootfs/h", type: "link", linkname: "rootfs/a" },
        { name: "rootfs/d/l", type: "symlink", linkname: "../a" },
      ),
      { stripPrefix: "rootfs" },
    );
    expect(await listTree(root)).toEqual(['644 a "1"', "755 d/", "d/l -> ../a", '644 h "1"']);
    expect((await stat(join(root, "h"))).nlink).toBe(1);
    await expect(unpackTree(root, tarOf({ name: "rootfsx/a" }), { stripPrefix: "rootfs" })).rejects.toMatchObject({
      message: 'the tree: "rootfsx/a" is not in "rootfs"',
    });
  });

  it("keeps modes that went in, and normalises those that are new", async () => {
    await writeTree(root, { secret: { text: "s", mode: 0o600 }, loose: { text: "l", mode: 0o600 } });
    const before = await snapshotTree(root);
    const members = [
      { name: "secret", mode: 0o600 },
      { name: "loose", mode: 0o664 },
      { name: "new", mode: 0o770 },
      { name: "d", type: "directory" as const, mode: 0o700 },
    ];
    await unpackTree(root, tarOf(...members), { before });
    expect(await listTree(root)).toEqual(["755 d/", '644 loose ""', '755 new ""', '600 secret ""']);
  });

  it("names everything that a rootfs cannot hold, and what to do", async () => {
    const error = await unpackTree(
      root,
      tarOf(
        { name: "bin/su", mode: 0o4755, content: "x".repeat(100_000) },
        { name: "fine" },
        { name: "abs", type: "symlink", linkname: "/etc" },
      ),
      { name: "the rootfs after RUN x" },
    ).catch((caught) => caught);
    expect(error).toMatchObject({
      message:
        'the rootfs after RUN x: "bin/su" has the setuid or setgid bit\n' +
        'the rootfs after RUN x: "abs" is a link that is absolute ("/etc")',
      hint: "take it off: chmod ug-s bin/su; make it relative, to a place inside the tree (ln -sr)",
    });
  });

  it("sums up when there is too much to name", async () => {
    const members = Array.from({ length: 25 }, (_, index) => ({ name: `bin/${index}`, mode: 0o4755 }));
    const error = await unpackTree(root, tarOf(...members)).catch((caught) => caught);
    expect(error.message.split("\n")).toHaveLength(21);
    expect(error.message).toMatch(/\nand 5 more$/);
  });

  it("brings a tree that a program changed in place back to what a rootfs may hold", async () => {
    await writeTree(root, { kept: { text: "k", mode: 0o600 } });
    const before = await snapshotTree(root);
    await writeTree(root, { made: { text: "m", mode: 0o664 }, twin: "t" });
    await link(join(root, "twin"), join(root, "twin2"));
    await unpackTree(root, await packTree(root), { before });
    expect(await listTree(root)).toEqual(['600 kept "k"', '644 made "m"', '644 twin "t"', '644 twin2 "t"']);
    expect((await stat(join(root, "twin"))).nlink).toBe(1);
    await writeTree(root, { su: { text: "s", mode: 0o4755 } });
    await expect(unpackTree(root, await packTree(root))).rejects.toMatchObject({
      message: 'the tree: "su" has the setuid or setgid bit',
    });
  });

  it("leaves nothing beside the tree, whether it works or not", async () => {
    const inner = join(root, "rootfs");
    await writeTree(root, { rootfs: null });
    await unpackTree(inner, tarOf({ name: "a" }));
    await unpackTree(inner, tarOf({ name: "../a" })).catch(() => undefined);
    expect(await listTree(root)).toEqual(["755 rootfs/", '644 rootfs/a ""']);
  });

  it("takes back what packTree made, links, long and foreign names included", async () => {
    const long = `${"d".repeat(90)}/${"e".repeat(90)}/${"f".repeat(90)}`;
    const listing: Listing = {
      [long]: "1",
      "grüße/日本": "2",
      "new\nline": "3",
      empty: "",
      "dir/none": null,
      "dir/l": { link: long.replace("d", "../d") },
      "exe cute": { text: "4", mode: 0o755 },
      big: "x".repeat(300_000),
    };
    await writeTree(root, listing);
    const copy = await directories.create();
    await unpackTree(copy, await packTree(root));
    expect(await listTree(copy)).toEqual(await listTree(root));
  });
});
