import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { diffMarkdown } from "../../../src/image/diff-markdown.ts";
import type { ImageDiff } from "../../../src/image/diff-types.ts";
import type { BuildReport } from "../../../src/image/report.ts";
import { reportMarkdown } from "../../../src/image/report-markdown.ts";
import { compileSchema } from "../../../src/image/schema.ts";
import { previewMarkdown } from "../../../src/pipeline/preview-markdown.ts";
import type { PreviewVerdict } from "../../../src/pipeline/preview-verdict.ts";
import { noteBody } from "../../../src/platform/sticky-note.ts";

/**
 * The pages of which docs/pictures has pictures. What they tell is what runs on examples/shop told: a build, its
 * comparison with the image of the branch it goes to, a preview, and one of an image from which something is missing.
 * `npm run pictures` writes the markdown and takes the pictures; no browser is needed here.
 */
const fixtures = new URL("../../fixtures/pictures/", import.meta.url);

async function read<T>(name: "report" | "diff" | "preview", file: string): Promise<T> {
  const checked = compileSchema<T>(name)(JSON.parse(await readFile(new URL(file, fixtures), "utf8")));
  if ("value" in checked) return checked.value;
  throw new Error(`${file}: ${checked.problems.join("; ")}`);
}

const limit = 60_000;
const difference = async () =>
  `#### Changes\n\n${diffMarkdown(await read<ImageDiff>("diff", "diff.json"), { limit }).trimEnd()}`;
const origin = {
  commit: "2f0c1d9e5b7a4c3f8e6d1b2a3c4d5e6f7a8b9c0d",
  job: "https://github.com/acme/shop/actions/runs/1234567890",
};

const pages: Readonly<Record<string, () => Promise<string>>> = {
  "github-summary": async () =>
    reportMarkdown(await read<BuildReport>("report", "report.json"), {
      limit,
      difference: diffMarkdown(await read<ImageDiff>("diff", "diff.json"), { limit }),
    }),
  "github-comment": async () =>
    noteBody(
      "preview",
      previewMarkdown(await read<PreviewVerdict>("preview", "passed.json"), {
        ...{ limit, ...origin, difference: await difference() },
      }),
    ),
  "gitlab-note": async () =>
    noteBody(
      "preview",
      previewMarkdown(await read<PreviewVerdict>("preview", "failed.json"), {
        ...{ limit, commit: origin.commit, job: "https://gitlab.com/acme/shop/-/jobs/1234567890" },
      }),
    ),
};

describe.each(Object.entries(pages))("%s", (name, page) => {
  test("is written as pictured", async () => {
    await expect(await page()).toMatchFileSnapshot(`../../fixtures/pictures/${name}.md`);
  });

  test("has a picture of what is written; else take it anew with `npm run pictures`", async () => {
    const sources: unknown = JSON.parse(
      await readFile(new URL("../../../docs/pictures/sources.json", import.meta.url), "utf8"),
    );
    const markdown = await readFile(new URL(`${name}.md`, fixtures));
    expect(sources).toHaveProperty([name], createHash("sha256").update(markdown).digest("hex"));
  });
});
