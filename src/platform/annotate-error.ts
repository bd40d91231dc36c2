import { type KubefileError, type Location, locationPrefix } from "../error.ts";
import type { Diagnostic } from "../kubefile/diagnostic.ts";
import { DiagnosticsError } from "../kubefile/diagnostics-error.ts";
import type { Annotation, AnnotationLevel, Platform } from "./platform.ts";

/** Marks what an error is about: every finding of a Kubefile on its own line, else the one place, else the run. */
export function annotateError(platform: Platform, error: KubefileError): void {
  if (error.code === "CANCELLED") return;
  if (error instanceof DiagnosticsError) {
    annotateDiagnostics(platform, error.diagnostics, error.file);
    return;
  }
  platform.annotate({
    level: "error",
    title: error.code,
    message: `${locationPrefix(error.where)}${error.message}${hintOf(error)}`,
    ...(error.where === undefined ? {} : { where: error.where }),
  });
}

/** @param file as messages name it */
export function annotateDiagnostics(platform: Platform, diagnostics: readonly Diagnostic[], file: string): void {
  for (const annotation of annotationsOf(diagnostics, file)) platform.annotate(annotation);
}

/** @param file as messages name it */
export function annotationsOf(diagnostics: readonly Diagnostic[], file: string): readonly Annotation[] {
  return diagnostics.map((diagnostic) => {
    const { start } = diagnostic.span;
    const where: Location = { file, line: start.line, column: start.column };
    const message = `${diagnostic.message}${hintOf(diagnostic)}`;
    return { level: levelOf(diagnostic), title: diagnostic.code, message, where };
  });
}

function levelOf({ severity }: Diagnostic): AnnotationLevel {
  return severity === "info" ? "notice" : severity;
}

function hintOf({ hint }: { readonly hint?: string | undefined }): string {
  return hint === undefined ? "" : `\n${hint}`;
}
