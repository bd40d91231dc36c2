import { type FailurePointers, failurePointersMarkdown } from "../image/failure-markdown.ts";
import { ganttMarkdown } from "../image/gantt-markdown.ts";
import { codeBlock, codeSpan, details, fitMarkdown, type MarkdownSection, markdownTable } from "../image/markdown.ts";
import { countOf, formatSeconds, formatSize } from "../image/text-table.ts";
import type { RecordedLog, RecordedPod } from "./cluster-record.ts";
import type { PreviewFailure, PreviewPart, PreviewVerdict } from "./preview-verdict.ts";

export interface PreviewMarkdownOptions extends FailurePointers {
  /** Characters that the place which shows it takes. */
  readonly limit: number;
  /** Markdown of ours on what changed since the base. */
  readonly difference?: string;
  /** What was previewed, and where more can be read; told by the platform, never by the verdict. */
  readonly commit?: string;
  readonly job?: string;
}

const headings: Readonly<Record<PreviewVerdict["verdict"], string>> = {
  passed: "✅ Preview passed",
  failed: "❌ Preview failed",
  invalid: "⚠️ Preview could not be made",
};

const failedParts: Readonly<Record<PreviewPart, string>> = {
  build: "The cluster image could not be built.",
  launch: "It did not start with the network cut.",
  test: "It started with the network cut, and the test failed.",
};

/** More pods than that, and those that are all well, are unfolded by whoever wants to see them. */
const SHOWN_PODS = 12;

/** A verdict as a comment on a pull or merge request. The same verdict gives the same text. */
export function previewMarkdown(verdict: PreviewVerdict, options: PreviewMarkdownOptions): string {
  const sections: MarkdownSection[] = [
    { markdown: `### ${headings[verdict.verdict]}`, dispensable: 0 },
    { markdown: summary(verdict), dispensable: 0 },
    { markdown: lasting(verdict), dispensable: 0 },
    {
      markdown: failure(verdict.failure),
      dispensable: 1,
      instead: "What failed is too long for a comment: see the job.",
    },
    { markdown: verdict.failure === undefined ? "" : failurePointersMarkdown(options), dispensable: 2 },
    { markdown: test(verdict), dispensable: 5, instead: leftOut("The output of the test") },
    { markdown: pods(verdict.pods), dispensable: 3, instead: leftOut("The table of pods") },
    { markdown: events(verdict), dispensable: 6, instead: leftOut("The list of warnings") },
    { markdown: options.difference ?? "", dispensable: 4, instead: leftOut("What changed") },
    ...verdict.logs.map((log, position) => ({ markdown: logOf(log), dispensable: 10 + position })),
    { markdown: timing(verdict), dispensable: 7 },
    { markdown: footer(options), dispensable: 0 },
  ];
  return fitMarkdown(sections, options.limit);
}

function leftOut(what: string): string {
  return `${what} is too long for a comment: see the job.`;
}

function summary({ failure: problem, verdict, image, test: result, pods: list }: PreviewVerdict): string {
  const facts =
    image === undefined
      ? []
      : [
          `Cluster image ${codeSpan(image.digest)}: ${countOf(image.images, "image")}, ${formatSize(image.size)}, grade ${codeSpan(image.grade)}.`,
          ...image.references.map((reference) => `- ${codeSpan(reference)}`),
        ];
  if (verdict === "invalid") return "The machine or a registry did not do, so that nothing is known about the change.";
  if (problem !== undefined) return [failedParts[problem.part], ...facts].join("\n");
  const tested =
    result === undefined ? "" : `, and ${codeSpan(result.command)} passed in ${formatSeconds(result.seconds)}`;
  return [`${countOf(list.length, "pod")} started with the network cut${tested}.`, ...facts].join("\n");
}

function lasting({ lasting: kept }: PreviewVerdict): string {
  if (kept === undefined) return "";
  const addresses = kept.addresses.map(({ target, url }) => `- ${link(url)} (${codeSpan(target)})`);
  const end = `until ${codeSpan(kept.expires)}; a push replaces it, closing the request ends it`;
  if (addresses.length === 0) return `It stays up as ${codeSpan(kept.name)} ${end}.`;
  return [`**Open it** ${end}:`, ...addresses].join("\n");
}

/** Only what can be nothing but the address of a web server is a link. */
function link(url: string): string {
  return /^https?:\/\/[A-Za-z0-9.-]+(?::\d{1,5})?\/?$/.test(url) ? `<${url}>` : codeSpan(url);
}

function failure(problem: PreviewFailure | undefined): string {
  if (problem === undefined) return "";
  const where = problem.where === undefined ? "" : `${problem.where}: `;
  const hint = problem.hint === undefined ? "" : `\nhint: ${problem.hint}`;
  return codeBlock(`error[${problem.code}]: ${where}${problem.message}${hint}`);
}

function test({ test: result, failure: problem }: PreviewVerdict): string {
  if (result === undefined || result.output === "") return "";
  const block = codeBlock(result.output);
  return problem?.part === "test" ? `**Test**\n\n${block}` : details("Test", block);
}

function pods(list: readonly RecordedPod[]): string {
  if (list.length === 0) return "";
  const columns = [
    { header: "" },
    { header: "Pod" },
    { header: "Status" },
    { header: "Ready", align: "right" } as const,
    { header: "Restarts", align: "right" } as const,
  ];
  const rows = list.map((pod) => [
    pod.healthy ? "✅" : "❌",
    codeSpan(`${pod.namespace}/${pod.name}`),
    [codeSpan(pod.status), codeSpan((pod.message ?? "").slice(0, 300))].filter((text) => text !== "").join("<br>"),
    codeSpan(pod.ready),
    String(pod.restarts),
  ]);
  const table = markdownTable(columns, rows);
  const healthy = list.filter((pod) => pod.healthy).length;
  const title = `${countOf(list.length, "pod")}, ${healthy === list.length ? "all well" : `${list.length - healthy} not well`}`;
  return healthy < list.length && list.length <= SHOWN_PODS ? table : details(title, table);
}

function events({ events: list }: PreviewVerdict): string {
  if (list.length === 0) return "";
  const rows = list.map(({ object, reason, message, count }) => [
    codeSpan(object),
    codeSpan(reason) + (count > 1 ? ` × ${count}` : ""),
    codeSpan(message.slice(0, 300)),
  ]);
  const table = markdownTable([{ header: "Object" }, { header: "Reason" }, { header: "Message" }], rows);
  return details(countOf(list.length, "warning"), table);
}

function logOf({ namespace, pod, container, text, previous }: RecordedLog): string {
  const before = previous ? " (before its restart)" : "";
  // HTML around it, where markdown of the summary line is not read: names of objects hold nothing that HTML acts on.
  const name = `${namespace}/${pod}/${container}`.replace(/[^\w./-]/g, "_");
  return details(`Log of <code>${name}</code>${before}`, codeBlock(text));
}

function timing({ phases }: PreviewVerdict): string {
  if (phases.length === 0) return "";
  const parts: readonly PreviewPart[] = ["build", "launch", "test"];
  const chart = ganttMarkdown(
    parts.map((part) => ({ name: part, phases: phases.filter((phase) => phase.part === part) })),
  );
  const end = Math.max(...phases.map(({ start, seconds }) => start + seconds));
  return chart === "" ? "" : details(`Timing: ${formatSeconds(end)}`, chart);
}

function footer({ commit, job }: PreviewMarkdownOptions): string {
  const of = commit === undefined ? "" : `Preview of ${codeSpan(commit.slice(0, 12))}. `;
  const more = job === undefined ? "" : `[All of the log](${job}).`;
  return of === "" && more === "" ? "" : `<sub>${of}${more}</sub>`;
}
