import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { applyLayer } from "../../../src/rootfs/apply-layer.ts";
import { gunzip } from "../../../src/rootfs/decompress.ts";
import { untilEnd } from "../../../src/rootfs/tar-end.ts";
import { unpackTree } from "../../../src/rootfs/unpack-tree.ts";
import { type Listing, listTree, type Member, tarOf, temporaryDirectories, writeTree } from "./fixture.ts";

const directories = temporaryDirectories();
afterAll(() => directories.remove());

/** `root` lies in a directory with a file that no archive may touch. */
let outside: string;
let root: string;
const canary = "untouched";

beforeEach(async () => {
  outside = await directories.create();
  root = join(outside, "rootfs");
  await writeTree(outside, { rootfs: null, canary });
});

const file = (name: string, more: Partial<Member> = {}): Member => ({ name, type: "file", content: "x", ...more });
const directory = (name: string): Member => ({ name, type: "directory", mode: 0o755 });
const link = (name: string, linkname: string): Member => ({ name, type: "symlink", linkname });
const hardLink = (name: string, linkname: string): Member => ({ name, type: "link", linkname });

const corpus: [name: string, members: Member[], message: RegExp, rootfs?: Listing][] = [
  ["a climbing name", [file("../canary")], /"\.\.\/canary" climbs out of the tree/],
  ["a climb in the middle", [file("a/../../canary")], /climbs out of the tree/],
  ["a climb at the end", [directory("a/..")], /climbs out of the tree/],
  ["a climb that stays inside", [directory("a"), file("a/../b")], /climbs out of the tree/],
  ["an absolute name", [file("/etc/passwd")], /"\/etc\/passwd" has an absolute path/],
  ["an absolute name by pax", [file("a", { pax: { path: "/canary" } })], /has an absolute path/],
  ["a climbing name by pax", [file("a", { pax: { path: "../canary" } })], /climbs out of the tree/],
  ["a NUL in a name", [file("a", { pax: { path: "a\0b" } })], /not valid UTF-8/],
  ["a name that is not UTF-8", [file("a", { pax: { path: "a\ufffd" } })], /not valid UTF-8/],
  ["a long component", [file("a".repeat(256))], /has too long a path/],
  ["a long path", [file("a/".repeat(1100))], /has too long a path/],
  ["an absolute link", [link("l", "/etc")], /"l" is a link that is absolute \("\/etc"\)/],
  ["a climbing link", [link("l", "../canary")], /"l" is a link that leads out/],
  ["a climbing link further down", [link("a/b/l", "../../../x")], /is a link that leads out/],
  ["a link that climbs after a name", [link("s", "."), link("d/l", "s/../../x")], /climbs after a name/],
  ["a link without a target", [link("l", "")], /has no target/],
  ["a link with a NUL", [{ ...link("l", "a"), pax: { linkpath: "a\0b" } }], /has no valid target/],
  ["a file through a link", [directory("d"), link("l", "d"), file("l/x")], /"l\/x" goes through the link "l"/],
  ["a file through a link that was there", [file("l/x")], /goes through the link "l"/, { l: { link: "../" } }],
  ["a directory through a link that was there", [directory("l/x")], /goes through the link/, { l: { link: "/tmp" } }],
  ["a file below a file", [file("a"), file("a/b")], /"a\/b" goes through the file "a"/],
  [
    "a link instead of an earlier file",
    [file("a"), link("a", "b")],
    /is there twice, first as a file and then as a link/,
  ],
  ["a file instead of an earlier link", [link("a", "b"), file("a")], /first as a link and then as a file/],
  ["a link instead of an earlier directory", [directory("a"), file("a/x"), link("a", "b")], /first as a directory/],
  ["a link instead of an implied directory", [file("a/x"), link("a", "b")], /first as a directory/],
  ["two links of one name", [link("a", "b"), link("a", "c")], /is there twice/],
  ["a hard link out", [hardLink("h", "../canary")], /climbs out of the tree/],
  ["an absolute hard link", [hardLink("h", "/etc/passwd")], /has an absolute path/],
  ["a hard link to nothing", [hardLink("h", "missing")], /hard link to "missing", which is no other file/],
  ["a hard link to itself", [file("h"), hardLink("h", "h")], /which is no other file/],
  ["a hard link to a link", [link("l", "x"), hardLink("h", "l")], /which is no other file/],
  ["a hard link to a directory", [directory("d"), hardLink("h", "d")], /which is no other file/],
  [
    "a hard link through a link that was there",
    [hardLink("h", "l/canary")],
    /hard link through "l", which is not a directory/,
    { l: { link: ".." } },
  ],
  [
    "a character device",
    [{ name: "dev", type: "character-device", devmajor: 1, devminor: 3 }],
    /is a character-device/,
  ],
  ["a block device", [{ name: "dev", type: "block-device", devmajor: 8 }], /is a block-device/],
  ["a named pipe", [{ name: "pipe", type: "fifo" }], /is a fifo/],
  ["a setuid file", [file("bin/su", { mode: 0o4755 })], /"bin\/su" has the setuid or setgid bit/],
  ["a setgid file", [file("bin/wall", { mode: 0o2755 })], /has the setuid or setgid bit/],
  ["a setgid directory", [{ ...directory("d"), mode: 0o2755 }], /has the setuid or setgid bit/],
  ["a root that is a link", [link("./", "..")], /stands for the whole tree, but is a symlink/],
  ["a root that is a file", [file(".")], /stands for the whole tree/],
  ["a sparse file", [file("s", { pax: { "GNU.sparse.major": "1" } })], /is a sparse file/],
];

describe("a hostile archive", () => {
  for (const [name, members, message, rootfs] of corpus) {
    it(`with ${name} is refused as a layer`, async () => {
      await writeTree(root, rootfs ?? {});
      await expect(applyLayer(root, tarOf(...members), { name: "layer 1" })).rejects.toMatchObject({
        code: "UNSAFE_ARCHIVE",
        message: expect.stringMatching(message),
      });
      expect(await readFile(join(outside, "canary"), "utf8")).toBe(canary);
    });
  }

  const alone = corpus.filter(([, , , rootfs]) => rootfs === undefined);
  it.each(alone)("with %s is refused as a tree, which stays as it was", async (_name, members, message) => {
    await writeTree(root, { old: "o" });
    await expect(unpackTree(root, tarOf(...members))).rejects.toMatchObject({
      code: "UNSAFE_ARCHIVE",
      message: expect.stringMatching(message),
    });
    expect(await listTree(outside)).toEqual(['644 canary "untouched"', "755 rootfs/", '644 rootfs/old "o"']);
  });

  it("is refused when a directory announces content that hides a header", async () => {
    const bytes = Buffer.concat(await tarOf(directory("d")).toArray());
    bytes.write("00000001000", 124);
    fixChecksum(bytes);
    await expect(applyLayer(root, Readable.from([bytes]))).rejects.toMatchObject({
      message: 'the layer: "d" is a directory with content',
    });
  });

  it("is refused when its type is none that is known", async () => {
    const bytes = Buffer.concat(await tarOf(file("s")).toArray());
    bytes.write("S", 156);
    fixChecksum(bytes);
    await expect(applyLayer(root, Readable.from([bytes]))).rejects.toMatchObject({ code: "UNSAFE_ARCHIVE" });
  });

  it("is refused when a size is in a form that no reader knows, rather than read for ever", async () => {
    const bytes = await bytesOf(file("endless"), file("b"));
    bytes.writeUInt8(0x81, 124);
    fixChecksum(bytes);
    const signal = AbortSignal.timeout(5_000);
    await expect(applyLayer(root, Readable.from([bytes]), { name: "layer 1", signal })).rejects.toMatchObject({
      code: "UNSAFE_ARCHIVE",
      message: 'layer 1 is not a whole tar archive: the header of "endless" has no size',
    });
  });

  it.each([
    ["another archive", () => bytesOf(file("hidden"), link("l", "/etc"))],
    ["no archive", async () => Buffer.alloc(3_000, "x")],
  ])("has an end, behind which %s changes nothing", async (_, behind) => {
    const bytes = Buffer.concat([await bytesOf(file("shown")), await behind()]);
    await applyLayer(root, Readable.from([bytes]));
    expect(await listTree(root)).toEqual(['644 shown "x"']);
  });

  it("does not end with a file of nothing but zeros, wherever its bytes are cut", async () => {
    const zeros = "\0".repeat(2_048);
    const bytes = await bytesOf(
      file("zeros", { content: zeros }),
      file(`${"long/".repeat(30)}name`, { content: zeros, pax: {} }),
      file("announced", { content: zeros, pax: { comment: "\0".repeat(600), size: "2048" } }),
      file("last"),
    );
    // As of files that are too large for their own header: only the one before it knows.
    const own = bytes.indexOf("PaxHeader", bytes.indexOf("size=2048"));
    bytes.write("00000000000", own + 124);
    fixChecksum(bytes.subarray(own));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 9 }),
        async (lengths) => {
          const pieces: Buffer[] = [];
          for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
            const length = lengths[turn % lengths.length] ?? 1;
            pieces.push(bytes.subarray(at, at + length));
            at += length;
          }
          const passed: Buffer[] = [];
          for await (const piece of untilEnd(Readable.from(pieces))) passed.push(piece);
          expect(Buffer.concat(passed).equals(bytes.subarray(0, -512))).toBe(true);
        },
      ),
      { numRuns: 30 },
    );
    await applyLayer(root, Readable.from([bytes]));
    expect((await listTree(root)).filter((line) => line.startsWith("644"))).toHaveLength(4);
  });

  const broken: [string, () => Promise<Readable>][] = [
    ["text", async () => Readable.from([Buffer.from("no tar".repeat(200))])],
    ["cut in a header", async () => cut(await bytesOf(file("a")), 300)],
    ["cut in content", async () => cut(await bytesOf(file("a", { content: "x".repeat(4000) })), 1000)],
    ["corrupt gzip", async () => gunzip(Readable.from([Buffer.from("no gzip")]))],
    ["cut gzip", async () => gunzip(cut(gzipSync(await bytesOf(file("a"))), 30))],
  ];
  it.each(broken)("that is %s is named as such", async (_name, open) => {
    await expect(applyLayer(root, await open(), { name: "layer 1" })).rejects.toMatchObject({
      code: "UNSAFE_ARCHIVE",
      message: expect.stringMatching(/^layer 1 is not a whole tar archive: /),
    });
  });

  it("cannot exceed the limits", async () => {
    const limited = (limits: object, ...members: Member[]): Promise<unknown> =>
      applyLayer(root, tarOf(...members), { limits }).catch((error) => error.message);
    expect(await limited({ entries: 2 }, file("a"), file("b"), file("c"))).toBe("the layer has more than 2 entries");
    expect(await limited({ bytes: 4000 }, file("d", { content: "x".repeat(5000) }))).toBe(
      "the layer unpacks to more than 4000 bytes",
    );
    const copies = ["f", "g", "h"].map((name) => hardLink(name, "e"));
    expect(await limited({ bytes: 9000 }, file("e", { content: "x".repeat(3000) }), ...copies)).toBe(
      "the layer unpacks to more than 9000 bytes",
    );
    expect(await limited({ pathBytes: 5 }, file("abc/def"))).toBe('the layer: "abc/def" has too long a path');
  });

  it("cannot hide a bomb behind the end of the archive", async () => {
    const zeros = Buffer.alloc(1024 * 1024);
    const endless = Readable.from(
      (function* () {
        for (;;) yield zeros;
      })(),
    );
    await expect(applyLayer(root, endless, { limits: { bytes: 8 * zeros.length } })).rejects.toMatchObject({
      code: "UNSAFE_ARCHIVE",
    });
    expect(endless.destroyed).toBe(true);
  });
});

async function bytesOf(...members: Member[]): Promise<Buffer> {
  return Buffer.concat(await tarOf(...members).toArray());
}

function cut(bytes: Buffer, length: number): Readable {
  return Readable.from([bytes.subarray(0, length)]);
}

function fixChecksum(header: Buffer): void {
  header.fill(" ", 148, 156);
  const sum = header.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
}
