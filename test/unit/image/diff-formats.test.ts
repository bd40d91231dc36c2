import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { diffClusterImages } from "../../../src/image/diff.ts";
import { diffMarkdown } from "../../../src/image/diff-markdown.ts";
import { formatDiff } from "../../../src/image/diff-text.ts";
import type { ImageDiff } from "../../../src/image/diff-types.ts";
import { compareReleases, releases } from "./shop-releases.ts";

const LIMIT = 60_000;

function expected(name: string): Promise<string> {
  return readFile(join(import.meta.dirname, "../../fixtures/image", name), "utf8");
}

/** More of everything than any page takes, with names that are out to break it. */
async function enormous(): Promise<ImageDiff> {
  const diff = await compareReleases();
  const hostile = "`|<details>@everyone\n```\n/close\u001b[31m";
  const many = <Each>(make: (number: number) => Each): Each[] =>
    Array.from({ length: 300 }, (_, number) => make(number));
  const [image] = diff.images.added;
  if (image === undefined) throw new Error();
  return {
    ...diff,
    env: many((number) => ({ name: `${hostile}${number}`, from: hostile, to: hostile.repeat(20) })),
    images: { ...diff.images, added: many((number) => ({ ...image, reference: `quay.io/shop/image-${number}:1` })) },
    rootfs: {
      ...diff.rootfs,
      files: {
        added: many((number) => ({ path: `${hostile}/${number}`, type: "link", target: hostile })),
        removed: [],
        changed: [],
        unchanged: 0,
      },
    },
    launch: {
      commands: many((number) => ({ state: "added", command: `${hostile}${number}`, directory: ".", env: {} })),
    },
  };
}

describe("formatDiff", () => {
  it("shows all that differs", async () => {
    const text = formatDiff(await compareReleases(), { color: false, width: 110 });
    expect(text).toBe(await expected("diff.txt"));
  });

  it("has a line for equal images, and one for images that differ in nothing a site sees", async () => {
    const [from, to] = await releases();
    const nothing = { from: new Map(), to: new Map() };
    expect(formatDiff(diffClusterImages(from, { ...from, reference: "shop:dev" }, nothing), { color: false })).toBe(
      `shop:dev is the same image as registry.example/shop:1.0: ${from.image.digest}\n`,
    );
    const same = {
      ...to,
      image: { ...to.image, config: from.image.config, blobs: from.image.blobs },
      walked: from.walked,
    };
    expect(formatDiff(diffClusterImages(from, same, nothing), { color: false }).split("\n")[1]).toBe(
      "  nothing that a site would see differs",
    );
  });

  it("says why files were not compared", async () => {
    const [from, to] = await releases();
    const text = formatDiff(diffClusterImages(from, to, { notCompared: "as --no-files asks" }), { color: false });
    expect(text).toContain("another rootfs");
    expect(text).toContain("  files of the rootfs were not compared: as --no-files asks\n");
  });

  it("paints marks, and lets no name steer the terminal", async () => {
    const text = formatDiff(await enormous(), { color: true });
    expect(text).toContain("\u001b[32m  + ");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
    expect(text.replace(/\u001b\[(?:0|1|2|31|32|33)m/g, "")).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
  });
});

describe("diffMarkdown", () => {
  it("shows all that differs", async () => {
    const text = diffMarkdown(await compareReleases(), { limit: LIMIT });
    expect(text).toBe(await expected("diff.md"));
  });

  it("has a line for equal images", async () => {
    const [from] = await releases();
    const diff = diffClusterImages(from, { ...from, reference: "shop:dev" }, { notCompared: "" });
    expect(diffMarkdown(diff, { limit: LIMIT })).toBe("`shop:dev` is the same image as `registry.example/shop:1.0`.\n");
  });

  it("says why files were not compared", async () => {
    const [from, to] = await releases();
    const text = diffMarkdown(diffClusterImages(from, to, { notCompared: "too `many`" }), { limit: LIMIT });
    expect(text).toContain("Files of the rootfs were not compared: `` too `many` ``.");
  });

  it("stays within any limit, and cuts nothing open", async () => {
    const diff = await enormous();
    fc.assert(
      fc.property(fc.integer({ min: 1_500, max: 200_000 }), (limit) => {
        const text = diffMarkdown(diff, { limit });
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(limit);
        const lines = text.split("\n");
        const outside = lines.filter((line) => !line.startsWith("|") && !/^[ +-] /.test(line));
        expect(outside.filter((line) => line.startsWith("<details>")).length).toBe(
          outside.filter((line) => line === "</details>").length,
        );
        expect(outside.filter((line) => /^`{3,}/.test(line)).length % 2).toBe(0);
        for (const row of lines.filter((line) => line.startsWith("|"))) expect(row.endsWith("|")).toBe(true);
      }),
      { numRuns: 12 },
    );
  });

  it("says how much it left out", async () => {
    const text = diffMarkdown(await enormous(), { limit: 4_000 });
    expect(text).toMatch(/\n\d+ more rows are left out here; `kubefile diff` shows all\.\n/);
    expect(text).toContain("The launch is another one.");
    expect(diffMarkdown(await enormous(), { limit: 1_000_000 })).not.toContain("left out");
  });
});
