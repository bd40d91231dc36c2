import type { Reason } from "../capture/types.ts";
import { formatLocation, locationPrefix } from "../error.ts";
import { hexOf } from "../oci/digest.ts";
import { gradeMeaning } from "./grades.ts";
import type { BuildReport, PhaseTiming, ReportedImage } from "./report.ts";
import { shortReference } from "./short-reference.ts";
import { type TextOptions, type TextStyle, textStyle } from "./text-style.ts";
import { type Column, countOf, cut, formatSeconds, formatSize, formatTable, plainText } from "./text-table.ts";

const SHORT_DIGEST = 12;
const BAR_WIDTH = 32;

/** The report as it is printed at the end of a build. */
export function formatReport(report: BuildReport, { color, width = 100 }: TextOptions): string {
  const style = textStyle(color);
  const section = (title: string, note: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : ["", `${style.heading(title)}  ${note}`, ...lines.map((line) => `  ${line}`)];
  const hidden = report.images.filter(({ reference }) => report.onlyRehearsal.includes(reference));
  return [
    ...verdict(report, style),
    ...section("Steps", stepsNote(report), stepTable(report, width - 2, style)),
    ...section("Images", imageNote(report), imageTable(report.images, width - 2, style)),
    ...section(
      "Found by the rehearsal alone",
      `${hidden.length} of ${report.images.length}; no file names them`,
      formatTable(
        [{ header: "" }, { header: "", flexible: true }],
        hidden.map((image) => [shortReference(image.reference), image.reasons.map(reasonText)[0] ?? ""]),
        width - 2,
      ).slice(1),
    ),
    ...section(
      "Not in the cluster image",
      "named in texts alone; --include adds what is needed",
      formatTable(
        [{ header: "" }, { header: "" }, { header: "", flexible: true }],
        report.suggestions.map(({ reference, where, why }) => [shortReference(reference), formatLocation(where), why]),
        width - 2,
      ).slice(1),
    ),
    ...section(
      "Warnings",
      String(report.warnings.length),
      report.warnings.map((warning) => `${style.warning("!")} ${plainText(warning)}`),
    ),
    ...section("Time", formatSeconds(endOf(report.phases)), phaseChart(report.phases, style)),
    "",
  ].join("\n");
}

function verdict(report: BuildReport, style: TextStyle): string[] {
  const { failure, digest, grade, size, references, transfer, needsNetwork } = report;
  if (failure !== undefined) {
    return [
      `${style.bad("✗")} ${style.heading(`${plainText(report.kubefile)} was not built`)}: ${failure.code}`,
      ...`${locationPrefix(failure.where)}${failure.message}`.split("\n").map((line) => `  ${plainText(line)}`),
      ...(failure.hint === undefined ? [] : [`  ${style.dim("hint:")} ${plainText(failure.hint)}`]),
    ];
  }
  const mark = grade === "ready" && !needsNetwork ? style.good("✓") : style.warning("!");
  const network = needsNetwork ? ", with a network" : grade === "ready" ? ", without a network" : "";
  return [
    `${mark} ${style.heading(`${grade}: ${gradeMeaning[grade]}${network}`)}`,
    ...(digest === undefined ? [] : [`  ${digest}${size === undefined ? "" : `  ${formatSize(size)}`}`]),
    ...references.map((reference) => `  ${plainText(reference)}`),
    ...(transfer === undefined
      ? []
      : [
          `  ${style.dim(
            `sent ${countOf(transfer.uploaded.blobs, "blob")}, ${formatSize(transfer.uploaded.bytes)}; ` +
              `${transfer.existing.blobs} there already, ${transfer.mounted.blobs} mounted`,
          )}`,
        ]),
  ];
}

function stepsNote({ steps }: BuildReport): string {
  return `${steps.filter(({ state }) => state === "cached").length} of ${steps.length} cached`;
}

/** What was executed, and why; the rehearsal comes last, as it came last. */
function stepTable({ steps, rehearsal, grade }: BuildReport, width: number, style: TextStyle): string[] {
  const rows = [
    ...steps.map(({ state, shown, reason }) => [state === "cached" ? "CACHED" : "", shown, reason]),
    ...(rehearsal === undefined
      ? []
      : [
          [
            rehearsal.state === "cached" ? "CACHED" : "",
            grade === "static" ? "reading files" : "rehearsal",
            rehearsal.reason,
          ],
        ]),
  ];
  return rows.map(([mark = "", shown = "", reason]) => {
    const said = reason === undefined ? shown : `${shown}: ${withShortDigests(reason)}`;
    const line = `${mark.padEnd(7)} ${plainText(said)}`;
    return mark === "" ? cut(line, width) : style.dim(cut(line, width));
  });
}

/** Two whole digests are wider than most terminals, and what a tag stands for now would be cut off. */
function withShortDigests(text: string): string {
  return text.replace(/(sha256:[0-9a-f]{12})[0-9a-f]{52}/g, "$1");
}

function imageNote({ images, size, nodeImage, platform }: BuildReport): string {
  const separate = images.reduce((sum, image) => sum + image.size, 0);
  const where = nodeImage === undefined ? "" : ` on ${plainText(nodeImage)}`;
  const whole = size === undefined || size > separate ? "" : `, ${formatSize(size)} with shared layers once`;
  return `${images.length} for ${platform}${where}, ${formatSize(separate)}${whole}`;
}

/** Reasons stand in a column of their own, or below their image where that would cut them. */
function imageTable(images: readonly ReportedImage[], width: number, style: TextStyle): string[] {
  if (images.length === 0) return [];
  const columns: Column[] = [{ header: "REFERENCE" }, { header: "DIGEST" }, { header: "SIZE", align: "right" }];
  const cells = images.map(({ reference, digest, size }) => [
    // The digest stands beside it.
    reference.replace(/@sha256:[0-9a-f]{64}$/, "@…"),
    hexOf(digest).slice(0, SHORT_DIGEST),
    formatSize(size),
  ]);
  const reasons = images.map(({ reasons: [first, ...others] }) => {
    if (first === undefined) return "";
    return plainText(`${reasonText(first)}${others.length === 0 ? "" : `, +${others.length} more`}`);
  });
  const wide = formatTable(
    [...columns, { header: "WHY" }],
    cells.map((row, position) => [...row, reasons[position] ?? ""]),
  );
  if (wide.every((line) => [...line].length <= width)) return [style.dim(wide[0] ?? ""), ...wide.slice(1)];
  const [header = "", ...lines] = formatTable(columns, cells, width);
  return [
    style.dim(header),
    ...lines.flatMap((line, position) => [line, `  ${style.dim(cut(reasons[position] ?? "", width - 2))}`]),
  ];
}

function reasonText({ text, where }: Reason): string {
  return where === undefined ? text : `${text} (${formatLocation(where)})`;
}

/** One bar a phase, placed where it was in the run, so that what ran at the same time stands side by side. */
function phaseChart(phases: readonly PhaseTiming[], style: TextStyle): string[] {
  const end = endOf(phases);
  const column = (seconds: number): number => (end === 0 ? 0 : Math.round((seconds / end) * BAR_WIDTH));
  const names = phases.map(({ name }) => plainText(name));
  const nameWidth = Math.max(...names.map((name) => name.length), 0);
  return phases.map(({ start, seconds }, position) => {
    const from = Math.min(column(start), BAR_WIDTH - 1);
    const to = Math.max(column(start + seconds), from + 1);
    const bar = `${" ".repeat(from)}${"█".repeat(to - from)}${" ".repeat(BAR_WIDTH - to)}`;
    return `${(names[position] ?? "").padEnd(nameWidth)}  ${style.dim("▏")}${bar}${style.dim("▕")}  ${formatSeconds(seconds).padStart(12)}`;
  });
}

function endOf(phases: readonly PhaseTiming[]): number {
  return Math.max(0, ...phases.map(({ start, seconds }) => start + seconds));
}
