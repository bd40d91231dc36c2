import { afterAll, describe, expect, it } from "vitest";
import { copyFromContext, type Listing, listTree, temporaryDirectories, writeTree } from "./fixture.ts";

const directories = temporaryDirectories();
afterAll(() => directories.remove());

const context: Listing = {
  "charts/shop/Chart.yaml": "c",
  "charts/shop/README.md": "r",
  "charts/shop/sub/NOTES.md": "n",
  "charts/shop/sub/values.yaml": "v",
  "charts/web/Chart.yaml": "w",
  "home.md": "m",
  "home.yaml": "y",
  absolute: { link: "/etc" },
};

interface Copy {
  readonly sources: readonly string[];
  readonly destination?: string;
  readonly exclude?: readonly string[];
  readonly parents?: true;
}

/** The files that a copy makes; directories follow from them. */
async function copied({ destination = "x/", ...copy }: Copy): Promise<string[]> {
  const made = { context: await directories.create(), root: await directories.create() };
  await writeTree(made.context, context);
  await copyFromContext({ ...made, destination, ...copy });
  return (await listTree(made.root)).filter((line) => !line.endsWith("/")).map((line) => line.split(" ")[1] ?? "");
}

describe("--exclude", () => {
  it.each<[string, Copy, readonly string[]]>([
    [
      "leaves names out of the directory that is copied",
      { sources: ["charts/shop"], exclude: ["*.md"] },
      ["x/Chart.yaml", "x/sub/NOTES.md", "x/sub/values.yaml"],
    ],
    ["at any depth with **", { sources: ["charts/shop"], exclude: ["**/*.md"] }, ["x/Chart.yaml", "x/sub/values.yaml"]],
    [
      "several times, the last one decides",
      { sources: ["charts/shop"], exclude: ["sub", "README.md", "!sub/values.yaml"] },
      ["x/Chart.yaml", "x/sub/values.yaml"],
    ],
    [
      "counts from each source",
      { sources: ["charts/shop/", "charts/web/"], exclude: ["Chart.yaml", "**/*.md"] },
      ["x/sub/values.yaml"],
    ],
    ["takes from what a wildcard finds", { sources: ["home*"], exclude: ["*.md"] }, ["x/home.yaml"]],
    ["directories too", { sources: ["charts/*"], exclude: ["shop"] }, ["x/Chart.yaml"]],
    ["a file by its name, wherever it is", { sources: ["charts/shop/README.md"], exclude: ["README.md"] }, []],
    ["what could not be copied", { sources: ["."], exclude: ["charts", "absolute"] }, ["x/home.md", "x/home.yaml"]],
  ])("%s", async (_name, copy, files) => {
    expect(await copied(copy)).toEqual(files);
  });

  it("refuses a pattern that is none", async () => {
    await expect(copied({ sources: ["charts"], exclude: ["[a"] })).rejects.toMatchObject({
      code: "KUBEFILE_INVALID",
      message: "--exclude=[a is a malformed pattern",
    });
  });
});

describe("--parents", () => {
  it.each<[string, Copy, readonly string[]]>([
    [
      "keeps the paths of files",
      { sources: ["charts/web/Chart.yaml", "home.md"], parents: true },
      ["x/charts/web/Chart.yaml", "x/home.md"],
    ],
    [
      "of one alone, too, and the destination is a directory",
      { sources: ["charts/web/Chart.yaml"], destination: "x", parents: true },
      ["x/charts/web/Chart.yaml"],
    ],
    [
      "of directories, with a slash or without",
      { sources: ["./charts/web/", "/charts/shop/sub"], destination: ".", parents: true },
      ["charts/shop/sub/NOTES.md", "charts/shop/sub/values.yaml", "charts/web/Chart.yaml"],
    ],
    [
      "of what a wildcard finds, behind /./ where that is written",
      { sources: ["./charts/./*/Chart.yaml"], parents: true },
      ["x/shop/Chart.yaml", "x/web/Chart.yaml"],
    ],
    [
      "together with --exclude",
      { sources: ["charts/*"], exclude: ["**/*.md", "sub"], parents: true },
      ["x/charts/shop/Chart.yaml", "x/charts/web/Chart.yaml"],
    ],
  ])("%s", async (_name, copy, files) => {
    expect(await copied(copy)).toEqual(files);
  });
});
