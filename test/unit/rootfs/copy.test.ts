import { execFileSync } from "node:child_process";
import { link, mkdir, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import {
  type ContextCopy,
  copyFromContext,
  type Listing,
  listTree,
  type Member,
  tarOf,
  temporaryDirectories,
  writeTree,
} from "./fixture.ts";

const directories = temporaryDirectories();
afterAll(() => directories.remove());

const context: Listing = {
  "etc/a.yaml": "a",
  "etc/sub/b.yaml": "b",
  "etc/.hidden.yaml": "h",
  "charts/shop/Chart.yaml": "c",
  "bin/tool": { text: "t", mode: 0o700 },
  "notes.txt": { text: "n", mode: 0o600 },
  "same.txt": { link: "notes.txt" },
  config: { link: "etc" },
  "links/near": { link: "other" },
  "links/other": "o",
};

async function prepared(more: Listing = {}, rootfs: Listing = {}): Promise<{ context: string; root: string }> {
  const made = { context: await directories.create(), root: await directories.create() };
  await writeTree(made.context, { ...context, ...more });
  await writeTree(made.root, rootfs);
  return made;
}

type Case = Partial<ContextCopy> & { more?: Listing; rootfs?: Listing };

async function copied({ more, rootfs, ...options }: Case): Promise<string[]> {
  const made = await prepared(more, rootfs);
  await copyFromContext({ ...made, sources: [], destination: ".", ...options });
  return listTree(made.root);
}

describe("COPY", () => {
  const table: [name: string, options: Case, expected: string[]][] = [
    [
      "keeps the name of a directory copied to the root",
      { sources: ["etc"], destination: "." },
      ["755 etc/", '644 etc/.hidden.yaml "h"', '644 etc/a.yaml "a"', "755 etc/sub/", '644 etc/sub/b.yaml "b"'],
    ],
    [
      "spreads a directory written with a slash",
      { sources: ["etc/"], destination: "." },
      ['644 .hidden.yaml "h"', '644 a.yaml "a"', "755 sub/", '644 sub/b.yaml "b"'],
    ],
    [
      "makes the directories above a destination",
      { sources: ["notes.txt"], destination: "deep/er/" },
      ["755 deep/", "755 deep/er/", '644 deep/er/notes.txt "n"'],
    ],
    ["names a file", { sources: ["notes.txt"], destination: "/x" }, ['644 x "n"']],
    ["normalises modes", { sources: ["bin/tool"], destination: "bin/" }, ["755 bin/", '755 bin/tool "t"']],
    [
      "takes several sources",
      { sources: ["notes.txt", "bin/tool"], destination: "all" },
      ["755 all/", '644 all/notes.txt "n"', '755 all/tool "t"'],
    ],
    [
      "expands wildcards, also over hidden files",
      { sources: ["etc/*.yaml"], destination: "m/" },
      ["755 m/", '644 m/.hidden.yaml "h"', '644 m/a.yaml "a"'],
    ],
    [
      "expands wildcards in directories",
      { sources: ["*/sub/?.yaml"], destination: "m/" },
      ["755 m/", '644 m/b.yaml "b"'],
    ],
    ["follows a source that is a link", { sources: ["same.txt"], destination: "x" }, ['644 x "n"']],
    ["follows a link above a source", { sources: ["config/a.yaml"], destination: "x" }, ['644 x "a"']],
    [
      "copies links in a directory as links",
      { sources: ["links"], destination: "." },
      ["755 links/", "links/near -> other", '644 links/other "o"'],
    ],
    [
      "gives files and directories the mode of --chmod",
      { sources: ["etc"], destination: ".", chmod: "0640" },
      ["750 etc/", '640 etc/.hidden.yaml "h"', '640 etc/a.yaml "a"', "750 etc/sub/", '640 etc/sub/b.yaml "b"'],
    ],
    [
      "goes into a directory that is there",
      { sources: ["notes.txt"], destination: "there", rootfs: { there: null } },
      ["755 there/", '644 there/notes.txt "n"'],
    ],
    [
      "follows a link of the rootfs that stays inside",
      { sources: ["notes.txt"], destination: "to/", rootfs: { real: null, to: { link: "real" } } },
      ["755 real/", '644 real/notes.txt "n"', "to -> real"],
    ],
    [
      "replaces a link at the destination rather than what it means",
      { sources: ["notes.txt"], destination: "x", rootfs: { kept: "k", x: { link: "kept" } } },
      ['644 kept "k"', '644 x "n"'],
    ],
    [
      "merges a directory into one that is there",
      { sources: ["etc"], destination: "etc", rootfs: { "etc/a.yaml": "old", "etc/z": "z" } },
      [
        "755 etc/",
        '644 etc/.hidden.yaml "h"',
        '644 etc/a.yaml "a"',
        "755 etc/sub/",
        '644 etc/sub/b.yaml "b"',
        '644 etc/z "z"',
      ],
    ],
    [
      "does not unpack an archive",
      { sources: ["x.tar"], destination: ".", more: { "x.tar": "no tar at all" } },
      ['644 x.tar "no tar at all"'],
    ],
  ];
  it.each(table)("%s", async (_name, options, expected) => {
    expect(await copied(options)).toEqual(expected);
  });

  it("makes real copies", async () => {
    const { context, root } = await prepared();
    await link(join(context, "notes.txt"), join(context, "twin.txt"));
    await copyFromContext({ context, root, sources: ["notes.txt", "twin.txt"], destination: "." });
    expect((await stat(join(root, "twin.txt"))).nlink).toBe(1);
    expect((await stat(join(context, "twin.txt"))).nlink).toBe(2);
  });
});

describe("COPY refuses", () => {
  const table: [name: string, options: Case, code: string, message: RegExp, hint?: RegExp][] = [
    ["a missing source", { sources: ["notse.txt"] }, "SOURCE_MISSING", /"notse\.txt" is not in/, /"notes\.txt"/],
    ["a source elsewhere", { sources: ["a.yaml"] }, "SOURCE_MISSING", /"a\.yaml" is not in/, /"etc\/a\.yaml"/],
    ["a file as a directory", { sources: ["notes.txt/"] }, "SOURCE_MISSING", /"notes\.txt\/" is not in/],
    ["a wildcard without a match", { sources: ["etc/*.json"] }, "SOURCE_MISSING", /no file of the context matches/],
    ["a malformed wildcard", { sources: ["etc/[a"] }, "KUBEFILE_INVALID", /malformed wildcard/],
    ["a URL", { sources: ["https://example.com/x"] }, "UNSUPPORTED", /is a URL/],
    ["a source above the context", { sources: ["../x"] }, "PATH_ESCAPES", /"\.\.\/x" is outside the context/],
    ["a hidden climb", { sources: ["etc/../../x"] }, "PATH_ESCAPES", /outside the context/],
    ["a climb after a slash", { sources: ["/../x"] }, "PATH_ESCAPES", /outside the context/],
    ["a climbing wildcard", { sources: ["../*"] }, "PATH_ESCAPES", /outside the context/],
    [
      "an absolute link as source",
      { sources: ["l"], more: { l: { link: "/etc/hostname" } } },
      "PATH_ESCAPES",
      /"l" leads out of the context: the link "l" is absolute/,
    ],
    [
      "a climbing link as source",
      { sources: ["d/l"], more: { "d/l": { link: "../../x" } } },
      "PATH_ESCAPES",
      /the link "d\/l" leads to "\.\.\/\.\.\/x"/,
    ],
    [
      "a source below a link that leads out",
      { sources: ["l/hostname"], more: { l: { link: "/etc" } } },
      "PATH_ESCAPES",
      /the link "l" is absolute/,
    ],
    [
      "a wildcard match that leads out",
      { sources: ["d/*"], more: { "d/l": { link: "/etc/hostname" } } },
      "PATH_ESCAPES",
      /the link "d\/l" is absolute/,
    ],
    [
      "links in a circle",
      { sources: ["l"], more: { l: { link: "m" }, m: { link: "l" } } },
      "PATH_ESCAPES",
      /goes round in circles/,
    ],
    [
      "an absolute link in a directory",
      { sources: ["d"], more: { "d/l": { link: "/etc/passwd" } } },
      "PATH_ESCAPES",
      /the link "d\/l" is absolute/,
    ],
    [
      "a link that leads out of the rootfs from its new place",
      { sources: ["d/e/"], more: { "d/e/l": { link: "../x" } } },
      "PATH_ESCAPES",
      /the link "l" leads out \("\.\.\/x"\)/,
    ],
    [
      "a link that climbs after a name",
      { sources: ["d"], more: { "d/l": { link: "a/../../x" } } },
      "PATH_ESCAPES",
      /the link "d\/l" climbs after a name/,
    ],
    ["a destination above the rootfs", { sources: ["notes.txt"], destination: "../x" }, "PATH_ESCAPES", /destination/],
    [
      "a destination through an absolute link",
      { sources: ["notes.txt"], destination: "l/x", rootfs: { l: { link: "/tmp" } } },
      "PATH_ESCAPES",
      /"l\/x" leads out of the rootfs: the link "l" is absolute/,
    ],
    [
      "a destination through a climbing link",
      { sources: ["etc/"], destination: "l", rootfs: { l: { link: "../out" } } },
      "PATH_ESCAPES",
      /the link "l" leads to "\.\.\/out"/,
    ],
    [
      "an entry below a link of the rootfs that leads out",
      { sources: ["etc/"], destination: ".", rootfs: { sub: { link: ".." } } },
      "PATH_ESCAPES",
      /the link "sub" leads to "\.\."/,
    ],
    [
      "a file over a directory",
      { sources: ["etc/a.yaml"], destination: "x/", rootfs: { "x/a.yaml": null } },
      "KUBEFILE_INVALID",
      /a file cannot replace the directory "x\/a\.yaml"/,
    ],
    [
      "a directory over a file",
      { sources: ["etc"], destination: ".", rootfs: { etc: "file" } },
      "KUBEFILE_INVALID",
      /a directory cannot replace the file "etc"/,
    ],
    ["a mode that is not octal", { sources: ["etc"], chmod: "u+x" }, "KUBEFILE_INVALID", /--chmod=u\+x/],
    ["a setuid mode", { sources: ["etc"], chmod: "4755" }, "KUBEFILE_INVALID", /--chmod=4755/],
  ];
  it.each(table)("%s", async (_name, options, code, message, hint) => {
    const made = await prepared(options.more, options.rootfs);
    const { more, rootfs, ...rest } = options;
    const where = { file: "Kubefile", line: 3 };
    const error = await copyFromContext({ ...made, sources: [], destination: ".", where, ...rest }).catch((e) => e);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message), where });
    if (hint !== undefined) expect(error.hint).toMatch(hint);
  });

  it("special files", async () => {
    const { context, root } = await prepared();
    await mkdir(join(context, "d"));
    execFileSync("mkfifo", [join(context, "d/pipe")]);
    const server = createServer().listen(join(context, "d/socket"));
    try {
      await expect(copyFromContext({ context, root, sources: ["d"], destination: "." })).rejects.toMatchObject({
        code: "UNSUPPORTED",
        message: '"d/pipe" is a named pipe, which cannot be copied\n"d/socket" is a socket, which cannot be copied',
      });
      await expect(copyFromContext({ context, root, sources: ["d/pipe"], destination: "." })).rejects.toMatchObject({
        code: "UNSUPPORTED",
      });
    } finally {
      server.close();
    }
  });

  it("everything that is wrong at once, and copies nothing", async () => {
    const { context, root } = await prepared();
    const sources = ["notes.txt", "missing", "../up"];
    await expect(copyFromContext({ context, root, sources, destination: "../x" })).rejects.toMatchObject({
      message: [
        'the destination "../x" is outside the rootfs',
        'the source "missing" is not in the context',
        'the source "../up" is outside the context',
      ].join("\n"),
    });
    expect(await listTree(root)).toEqual([]);
  });
});

describe("ADD", () => {
  const members: Member[] = [
    { name: "./", type: "directory", mode: 0o700 },
    { name: "./pkg/", type: "directory", mode: 0o775 },
    { name: "./pkg/run", type: "file", mode: 0o775, content: "r" },
    { name: "./pkg/link", type: "symlink", linkname: "../top" },
    { name: "./.wh.kept", type: "file", mode: 0o600, content: "w" },
  ];
  const unpacked = [
    "755 opt/",
    '644 opt/.wh.kept "w"',
    '644 opt/kept "k"',
    "755 opt/pkg/",
    "opt/pkg/link -> ../top",
    '755 opt/pkg/run "r"',
  ];

  async function add(file: string, content: Buffer | string, options: Partial<ContextCopy> = {}): Promise<string[]> {
    const made = await prepared({}, { "opt/kept": "k" });
    await writeFile(join(made.context, file), content);
    await copyFromContext({ ...made, sources: [file], destination: "opt", unpack: true, ...options });
    return listTree(made.root);
  }

  it.each(["x.tar", "x.tar.gz", "x.tgz", "named-otherwise"])("unpacks %s by its content", async (name) => {
    const tar = Buffer.concat(await tarOf(...members).toArray());
    expect(await add(name, name.endsWith("gz") ? gzipSync(tar) : tar)).toEqual(unpacked);
  });

  it("copies what is no archive", async () => {
    expect(await add("x.gz", gzipSync("text"))).toHaveLength(3);
    expect(await add("x.tar", "text")).toContain('644 opt/x.tar "text"');
  });

  it("says which archives it cannot unpack", async () => {
    await expect(add("x.tar.xz", "\xfd7zXZ\0")).rejects.toMatchObject({ code: "UNSUPPORTED" });
  });

  it("keeps an archive inside the rootfs, not only inside its destination", async () => {
    const tar = Buffer.concat(await tarOf({ name: "a/l", type: "symlink", linkname: "../../../x" }).toArray());
    await expect(add("x.tar", tar)).rejects.toMatchObject({
      code: "UNSAFE_ARCHIVE",
      message: 'x.tar: "a/l" is a link that leads out ("../../../x")',
    });
  });

  it("reports a cut archive", async () => {
    const tar = gzipSync(Buffer.concat(await tarOf({ name: "a", content: "x".repeat(5000) }).toArray()));
    await expect(add("x.tgz", tar.subarray(0, tar.length - 20))).rejects.toMatchObject({
      code: "UNSAFE_ARCHIVE",
      message: expect.stringMatching(/^x\.tgz is not a whole tar archive/),
    });
  });
});
