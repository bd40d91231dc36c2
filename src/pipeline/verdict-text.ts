import { textStyle } from "../image/text-style.ts";
import { countOf, plainText } from "../image/text-table.ts";
import type { Verdict } from "./verify.ts";

/** The verdict as people read it: one line, then each reason. */
export function formatVerdict(name: string, verdict: Verdict, color: boolean): string {
  const style = textStyle(color);
  const digest = verdict.digest === undefined ? "" : ` ${style.dim(verdict.digest)}`;
  if (verdict.verdict === "passed") {
    const what = `${countOf(verdict.pods, "pod")} up, ${countOf(verdict.images, "image")} from the artifact alone, network cut`;
    return `${style.good("passed")}  ${plainText(name)}${digest}\n        ${what}\n`;
  }
  const head = `${style.bad(verdict.verdict)}  ${plainText(name)}${digest}`;
  const reasons = verdict.reasons.flatMap((reason) => reason.split("\n").map((line) => `        ${plainText(line)}`));
  return [head, ...reasons, ""].join("\n");
}
