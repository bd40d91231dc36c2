import type { Reason } from "../capture/types.ts";
import { formatLocation, type Location, locationPrefix } from "../error.ts";
import { hexOf } from "../oci/digest.ts";
import { type FailurePointers, failureBlock, failurePointersMarkdown } from "./failure-markdown.ts";
import { fitTables, type PageSection } from "./fit-tables.ts";
import { ganttMarkdown } from "./gantt-markdown.ts";
import { gradeMeaning } from "./grades.ts";
import { codeSpan, proseWithNames, unbroken } from "./markdown.ts";
import type { BuildReport, ReportedImage } from "./report.ts";
import { shortReference } from "./short-reference.ts";
import { countOf, formatSeconds, formatSize } from "./text-table.ts";

export interface ReportMarkdownOptions extends FailurePointers {
  /** Bytes that the place which shows it takes. */
  readonly limit: number;
  /** Markdown of ours on what changed since the base's image. */
  readonly difference?: string;
}

const SHORT_DIGEST = 12;
/** Rows that leave what comes after them on the reader's way. */
const OPEN_IMAGES = 30;
/** Of an image. */
const SHOWN_REASONS = 2;
/** Characters; heredocs are long. */
const LONGEST_STEP = 160;

/** A build as a page: what came of it, every image with its reasons, what only the rehearsal saw, where the time went. */
export function reportMarkdown(report: BuildReport, options: ReportMarkdownOptions): string {
  const hidden = report.images.filter(({ reference }) => report.onlyRehearsal.includes(reference));
  const sections: PageSection[] = [
    { markdown: verdict(report) },
    { markdown: failure(report, options) },
    { markdown: warnings(report) },
    {
      markdown: hidden.length === 0 ? "" : hiddenHeading(report, hidden.length),
      table: {
        columns: [{ header: "Image" }, { header: "Why" }, { header: "During", optional: true }],
        rows: hidden.map(hiddenRow),
      },
    },
    {
      markdown: report.images.length === 0 ? "" : `#### Images\n\n${imagesNote(report)}`,
    },
    {
      markdown: "",
      ...(report.images.length > OPEN_IMAGES ? { folded: `All ${report.images.length}` } : {}),
      table: {
        columns: [{ header: "Image, digest" }, { header: "Size", align: "right" }, { header: "Why" }],
        rows: report.images.map(imageRow),
      },
    },
    {
      markdown: report.suggestions.length === 0 ? "" : suggestionsHeading,
      table: {
        columns: [{ header: "Image" }, { header: "Where" }, { header: "Why" }],
        rows: report.suggestions.map(({ reference, where, why }) => [
          codeSpan(shortReference(reference)),
          codeSpan(formatLocation(where)),
          proseWithNames(why),
        ]),
      },
    },
    {
      markdown: report.steps.length === 0 && report.rehearsal === undefined ? "" : `#### Steps\n\n${stepsNote(report)}`,
      table: {
        columns: [
          { header: "Line", align: "right" },
          { header: "Step" },
          { header: "State" },
          { header: "From, or why not" },
        ],
        rows: stepRows(report),
      },
    },
    {
      markdown: options.difference === undefined ? "" : `#### Changes\n\n${options.difference}`,
      instead: "#### Changes\n\nThey are too many to be shown here.",
    },
    { markdown: time(report), instead: "" },
  ];
  return fitTables(sections, options.limit, "the report has all");
}

function verdict({ failure: problem, kubefile, grade, needsNetwork, digest, size, ...report }: BuildReport): string {
  if (problem !== undefined) {
    const outcome = digest === undefined ? "was not built" : "was built, and failed afterwards";
    return `### ❌ ${codeSpan(kubefile)} ${outcome}`;
  }
  const mark = grade === "ready" && !needsNetwork ? "✅" : "⚠️";
  const network = needsNetwork ? ", with a network" : grade === "ready" ? ", without a network" : "";
  const facts = digest === undefined ? [] : [`${codeSpan(digest)}${size === undefined ? "" : `, ${formatSize(size)}`}`];
  const { transfer } = report;
  const mounted = transfer === undefined || transfer.mounted.blobs === 0 ? "" : `, ${transfer.mounted.blobs} mounted`;
  const sent =
    transfer === undefined
      ? []
      : [
          `Sent ${countOf(transfer.uploaded.blobs, "blob")}, ${formatSize(transfer.uploaded.bytes)}; ` +
            `${transfer.existing.blobs} there already${mounted}.`,
        ];
  return [
    `### ${mark} ${grade}: ${gradeMeaning[grade]}${network}`,
    [...facts, ...report.references.map((reference) => `- ${codeSpan(reference)}`)].join("\n"),
    ...sent,
  ].join("\n\n");
}

function failure({ failure: problem }: BuildReport, pointers: FailurePointers): string {
  if (problem === undefined) return "";
  const hint = problem.hint === undefined ? "" : `\nhint: ${problem.hint}`;
  const words = `error[${problem.code}]: ${locationPrefix(problem.where)}${problem.message}${hint}`;
  return [failureBlock(words), failurePointersMarkdown(pointers)].filter((text) => text !== "").join("\n\n");
}

function warnings({ warnings: all }: BuildReport): string {
  return all.map((warning) => `- ⚠️ ${proseWithNames(warning)}`).join("\n");
}

function hiddenHeading({ images }: BuildReport, count: number): string {
  return `#### Found by the rehearsal alone\n\n${count} of ${countOf(images.length, "image")}; no file names ${count === 1 ? "it" : "them"}.`;
}

/** With the command that ran when it was first seen: no file leads to it. */
function hiddenRow({ reference, reasons: [reason] }: ReportedImage): string[] {
  const when = reason?.where === undefined ? "" : lineOf(reason.where);
  return [codeSpan(shortReference(reference)), reason === undefined ? "" : reasonMarkdown(reason), when];
}

function imagesNote({ images, size, nodeImage, platform }: BuildReport): string {
  const separate = images.reduce((sum, image) => sum + image.size, 0);
  const where = nodeImage === undefined ? "" : `, rehearsed on ${codeSpan(nodeImage)}`;
  const whole = size === undefined ? "" : `; ${formatSize(size)} together, shared layers once`;
  return `${countOf(images.length, "image")} for ${codeSpan(platform)}${where}: ${formatSize(separate)}${whole}.`;
}

function imageRow({ reference, digest, size, reasons }: ReportedImage): string[] {
  return [
    // One below the other: a column for digests would push the reasons off the page.
    `${codeSpan(shortReference(reference))}<br>${codeSpan(hexOf(digest).slice(0, SHORT_DIGEST))}`,
    unbroken(formatSize(size)),
    reasonsMarkdown(reasons),
  ];
}

/** One reason of each source, and how many more there are: a page is for reading, and the report has them all. */
function reasonsMarkdown(reasons: readonly Reason[]): string {
  const shown = reasons
    .filter(({ source }, position) => position === reasons.findIndex((other) => other.source === source))
    .slice(0, SHOWN_REASONS);
  const more = reasons.length - shown.length;
  return [...shown.map(reasonMarkdown), ...(more === 0 ? [] : [`and ${more} more`])].join("<br>");
}

const suggestionsHeading =
  "#### Not in the cluster image\n\nNamed in texts alone; the input `include` adds what is needed.";

function stepsNote({ steps }: BuildReport): string {
  return `${steps.filter(({ state }) => state === "cached").length} of ${countOf(steps.length, "step")} cached.`;
}

const rehearsalStates: Readonly<Record<NonNullable<BuildReport["rehearsal"]>["state"], readonly [string, string]>> = {
  cached: ["rehearsal", "CACHED"],
  rehearsed: ["rehearsal", "rehearsed"],
  scanned: ["reading files", "read"],
};

/** The rehearsal comes last, as it came last. */
function stepRows({ steps, rehearsal }: BuildReport): string[][] {
  const rows = steps.map(({ shown, where, state, from, reason }) => [
    String(where.line),
    codeSpan(shown.length > LONGEST_STEP ? `${shown.slice(0, LONGEST_STEP)}…` : shown),
    state === "cached" ? "CACHED" : "executed",
    proseWithNames((state === "cached" ? from : reason) ?? ""),
  ]);
  if (rehearsal === undefined) return rows;
  const [what, state] = rehearsalStates[rehearsal.state];
  return [
    ...rows,
    ["", what, state, proseWithNames((rehearsal.state === "cached" ? rehearsal.from : rehearsal.reason) ?? "")],
  ];
}

function time({ phases }: BuildReport): string {
  const chart = ganttMarkdown([{ name: "build", phases }]);
  if (chart === "") return "";
  const end = Math.max(0, ...phases.map(({ start, seconds }) => start + seconds));
  return `#### Time: ${formatSeconds(end)}\n\n${chart}`;
}

/** In what a file says the line is meant; its column adds nothing but width. */
function reasonMarkdown({ source, text, where }: Reason): string {
  const said = proseWithNames(text);
  return source === "static" && where !== undefined ? `${said} (${lineOf(where)})` : said;
}

function lineOf({ file, line }: Location): string {
  return codeSpan(formatLocation({ file, line }));
}
