import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { ignoredHint } from "../../../src/kubefile/ignore-file.ts";
import { loadIgnoreFile } from "../../../src/rootfs/load-ignore-file.ts";
import {
  type ContextCopy,
  copyFromContext,
  type Listing,
  listTree,
  temporaryDirectories,
  writeTree,
} from "./fixture.ts";

const directories = temporaryDirectories();
afterAll(() => directories.remove());

const tree: Listing = {
  Kubefile: "FROM scratch",
  "docs/a.md": "a",
  "docs/b.txt": "b",
  "docs/deep/c.md": "c",
  "docs/deep/d.txt": "d",
  "src/x": "x",
  shortcut: { link: "docs" },
};

type Case = Partial<ContextCopy> & { lines: readonly string[]; more?: Listing };

async function prepared({ lines, more = {} }: Case): Promise<Pick<ContextCopy, "context" | "root" | "ignore">> {
  const [context, root] = [await directories.create(), await directories.create()];
  await writeTree(context, { ...tree, ".kubefileignore": lines.join("\n"), ...more });
  return { context, root, ignore: await loadIgnoreFile(context) };
}

async function copied({ lines, more = {}, ...options }: Case): Promise<string[]> {
  const made = await prepared({ lines, more });
  await copyFromContext({ ...made, sources: ["."], destination: ".", ...options });
  return (await listTree(made.root)).map((line) => line.replace(/^\d+ | ".*"$/g, ""));
}

describe("what is ignored is not copied", () => {
  const table: [name: string, options: Case, expected: string][] = [
    [
      "everywhere",
      { lines: ["**/*.md", ".kubefileignore", "shortcut"] },
      "Kubefile docs/ docs/b.txt docs/deep/ docs/deep/d.txt src/ src/x",
    ],
    ["not even the Kubefile and the ignore file", { lines: ["*", "!src"] }, "src/ src/x"],
    [
      "but for exceptions, with the directories on the way",
      { lines: ["*", "!docs/deep/c.md"] },
      "docs/ docs/deep/ docs/deep/c.md",
    ],
    ["nor are directories without an exception", { lines: ["*", "!**/c.md"] }, "docs/ docs/deep/ docs/deep/c.md"],
    ["below a source", { lines: ["docs/deep"], sources: ["docs"] }, "docs/ docs/a.md docs/b.txt"],
    ["in a directory that holds nothing else", { lines: ["src/*"], sources: ["src"] }, "src/"],
    ["among the matches of a wildcard", { lines: ["docs/*.md"], sources: ["docs/*.*"] }, "b.txt"],
    ["behind a link", { lines: ["docs/deep"], sources: ["shortcut/"] }, "a.md b.txt"],
    ["where only a part is", { lines: ["docs", "!docs/b.txt"], sources: ["docs"] }, "docs/ docs/b.txt"],
    ["even what could not be copied", { lines: ["*", "!src"], more: { bad: { link: "/etc" } } }, "src/ src/x"],
  ];
  it.each(table)("%s", async (_, options, expected) => {
    expect(await copied(options)).toEqual(expected.split(" "));
  });

  it("and a link that leads out is not followed", async () => {
    const more = { "links/out": { link: "../../x" }, "links/ok": "o" };
    expect(await copied({ lines: ["links/out"], sources: ["links/*"], more })).toEqual(["ok"]);
  });

  it("nor is a special file looked at", async () => {
    const made = await prepared({ lines: ["**/pipe"] });
    execFileSync("mkfifo", [join(made.context, "src/pipe")]);
    await copyFromContext({ ...made, sources: ["src"], destination: "." });
    expect(await listTree(made.root)).toEqual(["755 src/", '644 src/x "x"']);
  });
});

describe("a source that is ignored is missing", () => {
  const table: [name: string, options: Case, message: RegExp, hint: RegExp][] = [
    [
      "a file",
      { lines: ["", "**/*.md"], sources: ["docs/a.md"] },
      /"docs\/a\.md" is not in the context/,
      /^\.kubefileignore:2 leaves it out \(\*\*\/\*\.md\); write !docs\/a\.md below that line/,
    ],
    ["a directory", { lines: ["docs"], sources: ["docs/deep"] }, /"docs\/deep" is not in/, /:1 leaves it out \(docs\)/],
    ["without an exception", { lines: ["docs", "!docs/x"], sources: ["docs"] }, /"docs" is not in/, /:1 leaves it out/],
    [
      "all matches",
      { lines: ["docs"], sources: ["docs/*.md"] },
      /no file of the context matches/,
      /write !docs\/a\.md/,
    ],
    ["a link", { lines: ["shortcut"], sources: ["shortcut/a.md"] }, /is not in/, /:1 leaves it out \(shortcut\)/],
    ["behind a link", { lines: ["docs"], sources: ["shortcut/a.md"] }, /is not in/, /write !docs\/a\.md/],
    ["and what is not there is just that", { lines: ["*.md"], sources: ["srcs"] }, /"srcs" is not in/, /mean "src"/],
    [
      "nor is an ignored name proposed",
      { lines: ["src"], sources: ["srcs"] },
      /"srcs" is not in/,
      /^paths are relative/,
    ],
  ];
  it.each(table)("%s", async (_, options, message, hint) => {
    await expect(copied(options)).rejects.toMatchObject({
      code: "SOURCE_MISSING",
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
  });
});

describe("the ignore file of a context", () => {
  async function ignoredBy(listing: Listing, path: string): Promise<string | undefined> {
    const context = await directories.create();
    await writeTree(context, listing);
    return (await loadIgnoreFile(context)).ignoredBy(path)?.where?.file;
  }

  it("is .kubefileignore, or else .dockerignore", async () => {
    expect(await ignoredBy({ ".dockerignore": "a" }, "a")).toBe(".dockerignore");
    expect(await ignoredBy({ ".kubefileignore": "a" }, "a")).toBe(".kubefileignore");
    expect(await ignoredBy({ ".kubefileignore": "", ".dockerignore": "a" }, "a")).toBeUndefined();
    expect(await ignoredBy({ "sub/.kubefileignore": "a" }, "a")).toBeUndefined();
  });

  it("or no file at all: what builds write is never part of one, whatever the file says", async () => {
    const context = await directories.create();
    await writeTree(context, { ".kubefileignore": "!kubefile.lock\n", "kubefile.lock": "", "sub/kubefile.lock": "" });
    const rules = await loadIgnoreFile(context, "kubefile.lock");
    expect(rules.ignoredBy("kubefile.lock")).toEqual({ where: undefined, text: "kubefile.lock" });
    expect(rules.ignoredBy("sub/kubefile.lock")).toBeUndefined();
    for (const path of [".kubefile", ".kubefile/build/report.json"]) expect(rules.ignoredBy(path)?.text).toBe(path);
    for (const path of ["sub/.kubefile", ".kubefiles"]) expect(rules.ignoredBy(path)).toBeUndefined();
    expect(ignoredHint({ where: undefined, text: "kubefile.lock" }, "kubefile.lock")).toBe(
      "builds write this file, so it is never part of one",
    );
  });

  it("must be a file that can be read", async () => {
    await expect(ignoredBy({ ".kubefileignore": null }, "a")).rejects.toMatchObject({ code: "USAGE" });
    await expect(ignoredBy({ ".dockerignore": "[a" }, "a")).rejects.toMatchObject({
      code: "KUBEFILE_INVALID",
      where: { file: ".dockerignore", line: 1 },
    });
  });
});
