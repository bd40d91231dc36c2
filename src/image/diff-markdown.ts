import { hexOf } from "../oci/digest.ts";
import { diffHeadline, isWorse, movedNames, newLayers, sizeChange, transferText } from "./diff-summary.ts";
import type { FileFacts, ImageDiff, LaunchChanges, SizedImage, ValueChange } from "./diff-types.ts";
import { fitTables, type PageSection } from "./fit-tables.ts";
import { codeBlock, codeSpan, type MarkdownColumn, unbroken } from "./markdown.ts";
import { shortReference } from "./short-reference.ts";
import { countOf, formatSize } from "./text-table.ts";

const SHORT_DIGEST = 12;

/**
 * A comparison for a comment, a job's page or release notes. It has no heading, so that it fits below any.
 *
 * @param limit bytes that the place which shows it takes
 */
export function diffMarkdown(diff: ImageDiff, { limit }: { readonly limit: number }): string {
  const { files } = diff.rootfs;
  const onlyAdded = diff.images.moved.length + diff.images.removed.length === 0;
  const fileRows = files === undefined ? [] : filesTable(files);
  const sections: PageSection[] = [
    { markdown: summary(diff) },
    valueTable(diff.properties),
    {
      markdown: "",
      table: {
        columns: [
          { header: "" },
          { header: "Image" },
          { header: "From", optional: true },
          { header: onlyAdded ? "Digest" : "To", optional: true },
          { header: "Size", align: "right" },
          { header: "Layers", optional: true },
        ],
        rows: imageRows(diff.images),
      },
    },
    folded(
      `${countOf(fileRows.length, "file")} of the rootfs`,
      [{ header: "" }, { header: "File" }, { header: "From", optional: true }, { header: "To", optional: true }],
      fileRows,
    ),
    launchSection(diff.launch),
    folded("Apps", [{ header: "" }, { header: "App" }], appRows(diff.apps)),
    folded("Environment", valueColumns, diff.env.map(valueRow)),
    folded("Labels", valueColumns, diff.labels.map(valueRow)),
    folded("Annotations", valueColumns, diff.annotations.map(valueRow)),
  ];
  return fitTables(sections, limit, "`kubefile diff` shows all");
}

function summary(diff: ImageDiff): string {
  const [from, to] = [diff.from, diff.to].map(({ reference }) => codeSpan(shortReference(reference)));
  if (diff.identical) return `${to} is the same image as ${from}.`;
  const headline = diffHeadline(diff) || "nothing that a site would see differs";
  const { notCompared } = diff.rootfs;
  return [
    `From ${from} to ${to}: **${headline}**.`,
    `A site that holds the first fetches **${transferText(diff)}**, for the second.`,
    ...(notCompared === undefined ? [] : [`Files of the rootfs were not compared: ${codeSpan(notCompared)}.`]),
  ].join("\n");
}

const valueColumns: readonly MarkdownColumn[] = [{ header: "" }, { header: "From" }, { header: "To" }];

function valueTable(changes: readonly ValueChange[]): PageSection {
  return { markdown: "", table: { columns: valueColumns, rows: changes.map(valueRow) } };
}

function valueRow(change: ValueChange): string[] {
  const mark = isWorse(change) ? "⚠️ " : "";
  const [from, to] = [change.from, change.to].map((value) => (value === undefined ? "" : codeSpan(cutValue(value))));
  return [`${mark}${codeSpan(change.name)}`, from ?? "", to ?? ""];
}

function cutValue(value: string): string {
  return value.length > 200 ? `${value.slice(0, 199)}…` : value;
}

function imageRows({ added, removed, moved }: ImageDiff["images"]): string[][] {
  const digest = (image: SizedImage): string => codeSpan(hexOf(image.digest).slice(0, SHORT_DIGEST));
  const name = ({ reference }: SizedImage): string => codeSpan(shortReference(reference));
  return [
    ...moved.map((pair) => [
      "moved",
      movedNames(pair).map(codeSpan).join(" → "),
      digest(pair.from),
      digest(pair.to),
      unbroken(sizeChange(pair.from.size, pair.to.size)),
      newLayers(pair.layers),
    ]),
    ...added.map((image) => ["**added**", name(image), "", digest(image), unbroken(formatSize(image.size)), ""]),
    ...removed.map((image) => ["removed", name(image), digest(image), "", unbroken(formatSize(image.size)), ""]),
  ];
}

function filesTable({ added, removed, changed }: NonNullable<ImageDiff["rootfs"]["files"]>): string[][] {
  return [
    ...changed.map(({ path, from, to }) => {
      const [before, after] = [factsText(from), factsText(to)];
      return ["changed", codeSpan(path), before, before === after ? `${after}, other content` : after];
    }),
    ...added.map((file) => ["added", codeSpan(file.path), "", factsText(file)]),
    ...removed.map((file) => ["removed", codeSpan(file.path), factsText(file), ""]),
  ];
}

function factsText(facts: FileFacts): string {
  if (facts.type === "link") return `→ ${codeSpan(cutValue(facts.target))}`;
  return `${unbroken(formatSize(facts.size))}${facts.mode === "0644" ? "" : `, ${facts.mode}`}`;
}

function appRows({ added, removed, changed }: ImageDiff["apps"]): string[][] {
  return [
    ...changed.map(({ to }) => ["changed", codeSpan(to.name)]),
    ...added.map(({ name }) => ["added", codeSpan(name)]),
    ...removed.map(({ name }) => ["removed", codeSpan(name)]),
  ];
}

function folded(title: string, columns: readonly MarkdownColumn[], rows: readonly (readonly string[])[]): PageSection {
  if (rows.length === 0) return { markdown: "" };
  return { markdown: "", folded: title, table: { columns, rows } };
}

const signs = { kept: " ", added: "+", removed: "-" } as const;

function launchSection({ commands }: LaunchChanges): PageSection {
  if (commands.length === 0) return { markdown: "" };
  const lines = commands.map(({ state, command, directory, app }) => {
    const where = /^\.?$/.test(directory) ? "" : ` (in ${directory})`;
    const what = app === undefined ? "" : ` [${app}]`;
    return `${signs[state]} ${command.replaceAll("\n", "⏎")}${what}${where}`;
  });
  return { markdown: codeBlock(lines.join("\n"), "diff"), folded: "Launch", instead: "The launch is another one." };
}
