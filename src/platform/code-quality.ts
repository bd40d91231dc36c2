import { createHash } from "node:crypto";
import { relative, resolve } from "node:path";
import { printable } from "../process/printable.ts";
import type { Annotation, AnnotationLevel, Environment } from "./platform.ts";

/**
 * One finding of a code quality report, as GitLab's merge requests show it.
 *
 * @see https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
 */
export interface QualityFinding {
  readonly description: string;
  readonly check_name: string;
  readonly fingerprint: string;
  readonly severity: "info" | "minor" | "critical";
  readonly location: { readonly path: string; readonly lines: { readonly begin: number } };
}

const severities: Readonly<Record<AnnotationLevel, QualityFinding["severity"]>> = {
  error: "critical",
  warning: "minor",
  notice: "info",
};

/**
 * Puts what an annotation says into a report; one of no file has no place there, as GitLab shows each finding on a line.
 *
 * @param process by which the file is found from the root of the repository on
 */
export function withAnnotation(
  report: readonly QualityFinding[],
  annotation: Annotation,
  { env, cwd }: { readonly env: Environment; readonly cwd: string },
): readonly QualityFinding[] {
  if (annotation.where === undefined) return report;
  const path = relative(env.CI_PROJECT_DIR ?? cwd, resolve(cwd, annotation.where.file));
  const message = annotation.message.split("\n").map(printable).join("\n").trimEnd();
  return withFinding(report, { ...annotation, message }, path);
}

/** @returns the report as a file holds it */
export function formatFindings(report: readonly QualityFinding[]): string {
  return `${JSON.stringify(report, undefined, 2)}\n`;
}

/**
 * Puts a finding into a report. GitLab tells old findings from new ones by the fingerprint alone: it is made from what
 * was found, not from the line, so that lines put in above make nothing new, and equal findings are counted.
 *
 * @param path of the file, from the root of the repository on
 */
function withFinding(
  report: readonly QualityFinding[],
  { level, message, title, where }: Annotation,
  path: string,
): readonly QualityFinding[] {
  const line = where?.line ?? 1;
  const name = title ?? "kubefile";
  const [description = ""] = message.split("\n");
  const fingerprint = (count: number): string =>
    createHash("sha256")
      .update(JSON.stringify([path, name, description, count]))
      .digest("hex");
  const alike = report.filter((each) => each.check_name === name && each.description === message);
  const isKnown = alike.some(({ location }) => location.path === path && location.lines.begin === line);
  if (isKnown) return report;
  const count = alike.filter(({ location }) => location.path === path).length;
  return [
    ...report,
    {
      description: message,
      check_name: name,
      fingerprint: fingerprint(count),
      severity: severities[level],
      location: { path, lines: { begin: line } },
    },
  ];
}

/** What is no report of ours, or cannot be read, is begun anew. */
export function readFindings(text: string): readonly QualityFinding[] {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed.filter(isFinding) : [];
  } catch {
    return [];
  }
}

function isFinding(value: unknown): value is QualityFinding {
  return (
    typeof value === "object" &&
    value !== null &&
    "description" in value &&
    "check_name" in value &&
    "fingerprint" in value &&
    "severity" in value &&
    "location" in value &&
    typeof value.location === "object" &&
    value.location !== null &&
    "path" in value.location &&
    "lines" in value.location &&
    typeof value.location.lines === "object" &&
    value.location.lines !== null &&
    "begin" in value.location.lines
  );
}
