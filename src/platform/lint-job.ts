import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { KubefileError } from "../error.ts";
import { directoryContext } from "../kubefile/context-files.ts";
import {
  countDiagnostics,
  type DiagnosticRecord,
  diagnosticRecords,
  formatDiagnostics,
} from "../kubefile/format-diagnostics.ts";
import { checkKubefile } from "../kubefile/lint.ts";
import { readKubefileText } from "../pipeline/kubefile-source.ts";
import { printable, printableJson } from "../process/printable.ts";
import { ignoreFiles, loadIgnoreFile } from "../rootfs/load-ignore-file.ts";
import { collectProblem, throwTogether } from "../rootfs/problems.ts";
import { annotateDiagnostics, annotationsOf } from "./annotate-error.ts";
import { checkoutOf, requireInCheckout } from "./checkout.ts";
import { formatFindings, type QualityFinding, withAnnotation } from "./code-quality.ts";
import { type CommandContext, showsColor } from "./context.ts";
import { absolute, shownPath } from "./input-values.ts";

export const lintFormats = ["pretty", "json", "codequality"] as const;
export type LintFormat = (typeof lintFormats)[number];

/**
 * Checks Kubefiles, prints what was found and marks the lines.
 *
 * @param paths Kubefiles, or directories that hold one
 * @param format `json` and `codequality`, the report that GitLab takes, print one list over all files
 * @throws KubefileError USAGE for files that cannot be read, once the others are checked
 */
export async function lintInJob(
  context: CommandContext,
  paths: readonly string[],
  format: LintFormat,
): Promise<readonly DiagnosticRecord[]> {
  const records: DiagnosticRecord[] = [];
  const unread: KubefileError[] = [];
  let findings: readonly QualityFinding[] = [];
  for (const path of paths) {
    const file = await kubefileAt(absolute(path, context.cwd));
    const shown = shownPath(file, context.cwd);
    const text = await collectProblem(unread, async () => {
      const read = await readKubefileText(file, shown);
      const own = [file, ...ignoreFiles.map((name) => join(dirname(file), name))];
      await requireInCheckout(await checkoutOf(dirname(file)), own);
      return read;
    });
    if (text === undefined) continue;
    const { diagnostics } = checkKubefile(text, shown, {
      context: directoryContext(dirname(file), await loadIgnoreFile(dirname(file))),
      unsupported: "warning",
    });
    records.push(...diagnosticRecords(diagnostics, shown));
    for (const annotation of annotationsOf(diagnostics, shown))
      findings = withAnnotation(findings, annotation, context);
    if (format !== "pretty") continue;
    const listing = formatDiagnostics(diagnostics, text, shown, { color: showsColor(context.stdout, context.env) });
    context.stdout.write(listing === "" ? "" : `${listing}\n`);
    annotateDiagnostics(context.platform, diagnostics, shown);
    context.stdout.write(`${printable(shown)}: ${countDiagnostics(diagnostics) || "no problems"}\n`);
  }
  if (format === "json") context.stdout.write(`${printableJson(records)}\n`);
  if (format === "codequality") context.stdout.write(formatFindings(findings));
  throwTogether(unread);
  return records;
}

async function kubefileAt(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() === true ? join(path, "Kubefile") : path;
}
