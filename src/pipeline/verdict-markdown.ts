import { type FailurePointers, failureBlock, failurePointersMarkdown } from "../image/failure-markdown.ts";
import { ganttMarkdown } from "../image/gantt-markdown.ts";
import { codeSpan } from "../image/markdown.ts";
import { countOf } from "../image/text-table.ts";
import type { Verdict } from "./verify.ts";

const headings: Readonly<Record<Verdict["verdict"], string>> = {
  passed: "✅ verified: it starts with the network cut",
  failed: "❌ not verified: it did not start with the network cut",
  invalid: "⚠️ not verified: the proof itself did not hold",
};

/** A verdict as a page of a job. */
export function verdictMarkdown(
  name: string,
  { verdict, reasons, digest, images, pods, phases }: Verdict,
  pointers: FailurePointers = {},
): string {
  const shown =
    digest === undefined || name.includes(digest) ? codeSpan(name) : `${codeSpan(name)} ${codeSpan(digest)}`;
  const facts = `${countOf(pods, "pod")} up, ${countOf(images, "image")} from the artifact alone.`;
  return [
    `### ${headings[verdict]}`,
    shown,
    ...(verdict === "passed" ? [facts] : reasons.map((reason) => failureBlock(reason))),
    failurePointersMarkdown(pointers),
    ganttMarkdown([{ name: "verify", phases }]),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}
