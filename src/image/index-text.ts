import type { Grade } from "../capture/types.ts";
import type { Digest } from "../oci/digest.ts";
import { gradeMeaning } from "./grades.ts";
import { codeSpan, markdownTable } from "./markdown.ts";
import { type TextOptions, textStyle } from "./text-style.ts";
import { countOf, formatSize, formatTable, plainText } from "./text-table.ts";

/** What an index over cluster images is, as far as people look at it. */
export interface IndexSummary {
  readonly digest: Digest;
  readonly references: readonly string[];
  /** In the order of their names. */
  readonly platforms: readonly IndexedPlatform[];
}

export interface IndexedPlatform {
  readonly platform: string;
  readonly digest: Digest;
  readonly grade: Grade;
  /** Bytes of the whole cluster image, each blob once. */
  readonly size: number;
}

/** The lines that show an index: its names, and a table of its platforms. */
export function formatIndexSummary({ digest, references, platforms }: IndexSummary, options: TextOptions): string {
  const style = textStyle(options.color);
  const [header = "", ...rows] = formatTable(
    [{ header: "PLATFORM" }, { header: "GRADE" }, { header: "DIGEST" }, { header: "SIZE", align: "right" }],
    platforms.map((each) => [each.platform, each.grade, each.digest, formatSize(each.size)]),
  );
  const worst = platforms.find(({ grade }) => grade === "static");
  return [
    style.heading(`Index of ${countOf(platforms.length, "platform")}`),
    `  ${digest}`,
    ...references.map((reference) => `  ${plainText(reference)}`),
    "",
    `  ${style.dim(header)}`,
    ...rows.map((row) => `  ${row}`),
    ...(worst === undefined ? [] : [`  ${style.dim(`static: ${gradeMeaning.static}`)}`]),
    "",
  ].join("\n");
}

/** The same for a page. */
export function indexMarkdown({ digest, references, platforms }: IndexSummary): string {
  const names = references.map((reference) => `- ${codeSpan(reference)}`);
  const table = markdownTable(
    [{ header: "Platform" }, { header: "Grade" }, { header: "Digest" }, { header: "Size", align: "right" }],
    platforms.map((each) => [codeSpan(each.platform), each.grade, codeSpan(each.digest), formatSize(each.size)]),
  );
  return [`### Index of ${countOf(platforms.length, "platform")}`, codeSpan(digest), names.join("\n"), table]
    .filter(Boolean)
    .join("\n\n");
}
