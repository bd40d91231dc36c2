import { chmod, symlink, unlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parseIgnoreFile } from "../../../src/kubefile/ignore-file.ts";
import { digestOfSources } from "../../../src/rootfs/source-digest.ts";
import { type Listing, temporaryDirectories, writeTree } from "./fixture.ts";

const directories = temporaryDirectories();
afterAll(() => directories.remove());

const listing: Listing = {
  "a/x.yaml": "x",
  "a/run": { text: "r", mode: 0o755 },
  "a/link": { link: "x.yaml" },
  "a/sub/y": "y",
  "b.txt": "b",
};

interface Case {
  readonly change?: (root: string) => Promise<unknown>;
  readonly more?: Listing;
  readonly paths?: readonly string[];
  readonly chmod?: string;
  readonly ignored?: string;
  readonly exclude?: readonly string[];
}

async function digest({ change, more = {}, paths = ["a"], chmod: mode, ignored, exclude }: Case = {}): Promise<string> {
  const root = await directories.create();
  await writeTree(root, { ...listing, ...more });
  await change?.(root);
  const ignore = ignored === undefined ? {} : { ignore: parseIgnoreFile(ignored, ".kubefileignore") };
  return (await digestOfSources({ tree: { root, name: "context", ...ignore }, paths, chmod: mode, exclude })).digest;
}

async function relink(path: string, target: string): Promise<void> {
  await unlink(path);
  await symlink(target, path);
}

describe("the digest of a copy's sources", () => {
  it("is blind to what --exclude leaves out, and to nothing else", async () => {
    const exclude = ["sub"];
    const change = (path: string) => (root: string) => writeFile(join(root, path), "changed");
    const before = await digest({ exclude });
    expect(await digest({ exclude, change: change("a/sub/y") })).toBe(before);
    expect(await digest({ exclude, change: change("a/x.yaml") })).not.toBe(before);
    expect(await digest({ exclude: [] })).not.toBe(before);
  });

  it.each<[string, Case]>([
    ["the place of the tree", {}],
    ["times", { change: (root) => utimes(join(root, "a/x.yaml"), 1, 1) }],
    ["bits that a mode loses anyway", { change: (root) => chmod(join(root, "a/x.yaml"), 0o600) }],
    ["files that no source names", { change: (root) => writeFile(join(root, "b.txt"), "other") }],
    ["ignored files", { more: { "a/x.md": "" }, ignored: "**/*.md" }],
  ])("does not depend on %s", async (_, options) => {
    expect(await digest(options)).toBe(await digest());
  });

  it.each<[string, Case]>([
    ["content", { change: (root) => writeFile(join(root, "a/sub/y"), "z") }],
    ["a further file", { more: { "a/z": "" } }],
    ["a link's target", { change: (root) => relink(join(root, "a/link"), "run") }],
    ["being executable", { change: (root) => chmod(join(root, "a/x.yaml"), 0o755) }],
    ["how the source is written", { paths: ["a/"] }],
    ["what is ignored", { ignored: "a/run" }],
  ])("depends on %s", async (_, options) => {
    expect(await digest(options)).not.toBe(await digest());
  });

  it("takes the modes that --chmod gives", async () => {
    const change = (root: string): Promise<void> => chmod(join(root, "a/x.yaml"), 0o755);
    expect(await digest({ chmod: "600", change })).toBe(await digest({ chmod: "600" }));
    expect(await digest({ chmod: "600" })).not.toBe(await digest({ chmod: "644" }));
  });

  it("names every source that is not there", async () => {
    await expect(digest({ paths: ["a", "c", "../d"] })).rejects.toMatchObject({
      code: "SOURCE_MISSING",
      message: 'the source "c" is not in the context\nthe source "../d" is outside the context',
    });
  });
});
