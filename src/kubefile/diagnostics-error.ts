import { KubefileError } from "../error.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { countDiagnostics, type FormatOptions, formatDiagnostics } from "./format-diagnostics.ts";

/** A Kubefile that cannot be built. Its message lists everything; a terminal takes summary and listing apart. */
export class DiagnosticsError extends KubefileError {
  /** `Kubefile has 2 errors`. */
  readonly summary: string;
  /** Every problem with its line and caret. */
  readonly listing: (options: FormatOptions) => string;
  readonly diagnostics: readonly Diagnostic[];
  /** As messages name it. */
  readonly file: string;

  constructor(diagnostics: readonly Diagnostic[], text: string, file: string) {
    const summary = `${file} has ${countDiagnostics(diagnostics)}`;
    const listing = (options: FormatOptions): string => formatDiagnostics(diagnostics, text, file, options);
    super("KUBEFILE_INVALID", `${summary}\n\n${listing({ color: false }).trimEnd()}`, {
      hint: "`kubefile lint` checks a Kubefile without building it",
    });
    this.summary = summary;
    this.listing = listing;
    this.diagnostics = diagnostics;
    this.file = file;
  }
}
