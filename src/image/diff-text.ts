import { hexOf } from "../oci/digest.ts";
import { diffHeadline, isWorse, movedNames, newLayers, sizeChange, transferText } from "./diff-summary.ts";
import type { FileFacts, ImageDiff, SizedImage, ValueChange } from "./diff-types.ts";
import { shortReference } from "./short-reference.ts";
import { type TextOptions, type TextStyle, textStyle } from "./text-style.ts";
import { type Column, cut, formatSize, formatTable, plainText } from "./text-table.ts";

const SHORT_DIGEST = 12;
type Mark = "+" | "-" | "~" | " ";

/** A comparison for a terminal: `+` for what is new, `-` for what is gone, `~` for what changed. */
export function formatDiff(diff: ImageDiff, { color, width = 100 }: TextOptions): string {
  const style = textStyle(color);
  const [from, to] = [diff.from, diff.to].map(({ reference }) => plainText(shortReference(reference)));
  if (diff.identical) return `${to} is the same image as ${from}: ${diff.to.digest}\n`;
  const section = (title: string, note: string, lines: readonly (readonly [Mark, string])[]): string[] =>
    lines.length === 0
      ? []
      : ["", `${style.heading(title)}${note === "" ? "" : `  ${note}`}`, ...lines.map((line) => marked(line, style))];
  const { images, rootfs, launch, apps } = diff;
  const { files, notCompared } = rootfs;
  return [
    style.heading(`${from} -> ${to}`),
    `  ${diffHeadline(diff) || "nothing that a site would see differs"}`,
    `  a site that holds the first fetches ${transferText(diff)}, for the second`,
    ...(notCompared === undefined
      ? []
      : [style.dim(`  files of the rootfs were not compared: ${plainText(notCompared)}`)]),
    ...section("Properties", "", values(diff.properties, width, style)),
    ...section("Images", `${images.unchanged} unchanged`, imageLines(images, width)),
    ...section("Files", files === undefined ? "" : `${files.unchanged} unchanged`, fileLines(files, width)),
    ...section(
      "Launch",
      "",
      launch.commands.map(({ state, command, directory, app }) => {
        const details = [app === undefined ? "" : `app ${app}`, /^\.?$/.test(directory) ? "" : `in ${directory}`];
        const text = [plainText(command), plainText(details.filter(Boolean).join(", "))].filter(Boolean).join("  ");
        return [state === "added" ? "+" : state === "removed" ? "-" : " ", text];
      }),
    ),
    ...section("Apps", "", [
      ...apps.added.map(({ name }) => ["+", plainText(name)] as const),
      ...apps.removed.map(({ name }) => ["-", plainText(name)] as const),
      ...apps.changed.map(({ to: app }) => ["~", plainText(app.name)] as const),
    ]),
    ...section("Environment", "", values(diff.env, width, style)),
    ...section("Labels", "", values(diff.labels, width, style)),
    ...section("Annotations", "", values(diff.annotations, width, style)),
    "",
  ].join("\n");
}

function marked([mark, text]: readonly [Mark, string], style: TextStyle): string {
  const line = `  ${mark} ${text}`.trimEnd();
  if (mark === "+") return style.good(line);
  if (mark === "-") return style.bad(line);
  return mark === "~" ? style.warning(line) : style.dim(line);
}

function values(changes: readonly ValueChange[], width: number, style: TextStyle): (readonly [Mark, string])[] {
  return changes.map((change) => {
    const { name, from, to } = change;
    const worse = isWorse(change) ? `  ${style.bad("weaker than before")}` : "";
    if (from === undefined) return ["+", cut(plainText(`${name}=${to}`), width - 4)];
    if (to === undefined) return ["-", cut(plainText(`${name}=${from}`), width - 4)];
    return ["~", `${cut(plainText(`${name}  ${from} -> ${to}`), width - 4)}${worse}`];
  });
}

function imageLines({ added, removed, moved }: ImageDiff["images"], width: number): (readonly [Mark, string])[] {
  const digest = (image: SizedImage): string => hexOf(image.digest).slice(0, SHORT_DIGEST);
  const name = ({ reference }: SizedImage): string => shortReference(reference);
  const rows: readonly { readonly mark: Mark; readonly cells: readonly string[] }[] = [
    ...moved.map((pair) => ({
      mark: "~" as const,
      cells: [
        movedNames(pair).join(" -> "),
        `${digest(pair.from)} -> ${digest(pair.to)}`,
        sizeChange(pair.from.size, pair.to.size),
        newLayers(pair.layers).replace(/new$/, "layers new"),
      ],
    })),
    ...added.map((image) => ({ mark: "+" as const, cells: [name(image), digest(image), formatSize(image.size)] })),
    ...removed.map((image) => ({ mark: "-" as const, cells: [name(image), digest(image), formatSize(image.size)] })),
  ];
  const columns: Column[] = [
    { header: "", flexible: true },
    { header: "" },
    { header: "", align: "right" },
    { header: "" },
  ];
  return tabled(columns, rows, width);
}

function fileLines(files: ImageDiff["rootfs"]["files"], width: number): (readonly [Mark, string])[] {
  if (files === undefined) return [];
  const rows: readonly { readonly mark: Mark; readonly cells: readonly string[] }[] = [
    ...files.changed.map(({ path, from, to }) => ({ mark: "~" as const, cells: [path, changedFacts(from, to)] })),
    ...files.added.map((file) => ({ mark: "+" as const, cells: [file.path, facts(file)] })),
    ...files.removed.map((file) => ({ mark: "-" as const, cells: [file.path, facts(file)] })),
  ];
  return tabled([{ header: "", flexible: true }, { header: "" }], rows, width);
}

function facts(file: FileFacts): string {
  if (file.type === "link") return `-> ${file.target}`;
  return `${formatSize(file.size)}${file.mode === "0644" ? "" : ` ${file.mode}`}`;
}

function changedFacts(from: FileFacts, to: FileFacts): string {
  const [before, after] = [facts(from), facts(to)];
  return before === after ? `${after}, other content` : `${before} -> ${after}`;
}

function tabled(
  columns: readonly Column[],
  rows: readonly { readonly mark: Mark; readonly cells: readonly string[] }[],
  width: number,
): (readonly [Mark, string])[] {
  const lines = formatTable(
    columns,
    rows.map(({ cells }) => cells),
    width - 4,
  ).slice(1);
  return rows.map(({ mark }, position) => [mark, lines[position] ?? ""]);
}
