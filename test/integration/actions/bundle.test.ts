import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, inject, onTestFinished, test } from "vitest";
import { bundle } from "../../support/release.ts";

const dist = join(inject("release"), "dist");
const repository = resolve(import.meta.dirname, "../../..");

async function filesOf(directory: string): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    await Promise.all(
      files.sort().map(async (file) => [file.slice(directory.length + 1), await readFile(file, "utf8")] as const),
    ),
  );
}

/** A program and all that it loads before its first line runs; with `later` also what it may load afterwards. */
function loaded(files: ReadonlyMap<string, string>, entry: string, later: boolean): readonly string[] {
  const found = new Set<string>();
  const visit = (name: string): void => {
    const text = files.get(name);
    if (text === undefined || found.has(name)) return;
    found.add(name);
    const pattern = later
      ? /(?:from|import)\s*\(?[`"](\.{1,2}\/[^`"]+)[`"]/g
      : /(?:from|import)[`"](\.{1,2}\/[^`"]+)[`"]/g;
    for (const [, path = ""] of text.matchAll(pattern)) visit(join(name, "..", path));
  };
  visit(entry);
  return [...found];
}

test("bundles stay small: what is large is loaded when it is needed", async () => {
  const files = await filesOf(dist);
  const sizeOf = (names: readonly string[]): number =>
    Math.round(names.reduce((sum, name) => sum + Buffer.byteLength(files.get(name) ?? ""), 0) / 1_000);
  const code = [...files.keys()].filter((name) => name.endsWith(".js"));
  const isForFailures = (name: string): boolean => name.startsWith("chunks/artifact-");
  const sizes = {
    all: sizeOf(code),
    failures: sizeOf(code.filter(isForFailures)),
    start: sizeOf(loaded(files, "build.js", false)),
    build: sizeOf(loaded(files, "build.js", true).filter((name) => !isForFailures(name))),
    teardown: sizeOf(loaded(files, "teardown.js", true)),
  };
  process.stdout.write(`bundles in kB: ${JSON.stringify(sizes)}\n`);
  expect(sizes.failures).toBeGreaterThan(0);
  expect(sizes.all).toBeLessThan(4_600);
  expect(sizes.start).toBeLessThan(60);
  expect(sizes.build).toBeLessThan(2_400);
  expect(sizes.teardown).toBeLessThan(1_100);
});

test("chunks alone look for files of the package, and so find them", async () => {
  for (const [name, text] of await filesOf(dist)) {
    if (!name.startsWith("chunks/") && name.endsWith(".js")) expect(text.includes("import.meta"), name).toBe(false);
  }
});

test("the same sources give the same bundles", async () => {
  const directory = await mkdtemp(join(tmpdir(), "kubefile-bundle-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  await bundle(join(directory, "dist"));
  expect([...(await filesOf(join(directory, "dist")))]).toEqual([...(await filesOf(dist))]);
});

test("dist/ is these bundles where it is committed, and nowhere else", async () => {
  const git = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)("git", args, { cwd: repository })).stdout.trim();
  const committed = await git("ls-files", "dist");
  const isIgnored = (await readFile(join(repository, ".gitignore"), "utf8")).split("\n").includes("/dist/");
  expect(committed === "").toBe(isIgnored);
  if (!isIgnored) expect([...(await filesOf(join(repository, "dist")))]).toEqual([...(await filesOf(dist))]);
});

test("the code of others goes with its licences", async () => {
  const licences = (await filesOf(dist)).get("licences.txt") ?? "";
  for (const name of ["undici", "yaml", "ajv", "commander", "@actions/artifact"]) {
    expect(licences).toMatch(new RegExp(`^${name} \\d\\S*, \\S+$`, "m"));
  }
});
