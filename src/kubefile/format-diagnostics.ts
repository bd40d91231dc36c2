import { type Diagnostic, type Severity, sortDiagnostics } from "./diagnostic.ts";
import { physicalLines } from "./logical-line.ts";

export interface FormatOptions {
  /** ANSI colours, for a terminal. */
  readonly color: boolean;
}

/** Columns of a source line that are shown at most. */
const widestExcerpt = 120;

const colors: Readonly<Record<Severity | "dim" | "bold", string>> = {
  error: "31",
  warning: "33",
  info: "36",
  dim: "2",
  bold: "1",
};

/**
 * Diagnostics as text, sorted by place:
 *
 *     Kubefile:12:8: error[unquoted-json]: the list of LAUNCH is not JSON: each element needs double quotes
 *     12 | LAUNCH [a, b]
 *        |        ^^^^^^
 *        = hint: write ["a", "b"]
 *
 * Control characters of the file are made visible, so that no file can speak to the terminal. Empty without diagnostics,
 * else it ends with a line end.
 */
export function formatDiagnostics(
  diagnostics: readonly Diagnostic[],
  text: string,
  file: string,
  options: FormatOptions,
): string {
  const lines = physicalLines(text);
  const paint = (style: keyof typeof colors, part: string): string =>
    options.color ? `\u001b[${colors[style]}m${part}\u001b[0m` : part;
  const blocks = sortDiagnostics(diagnostics).map((diagnostic) => {
    const { start } = diagnostic.span;
    const number = String(start.line);
    const margin = " ".repeat(number.length);
    const { source, marks } = excerpt(lines[start.line - 1] ?? "", diagnostic);
    const place = `${visible(file)}:${start.line}:${start.column}`;
    const label = paint(diagnostic.severity, `${diagnostic.severity}[${diagnostic.code}]`);
    const block = [
      `${paint("bold", place)}: ${label}: ${visible(diagnostic.message)}`,
      `${paint("dim", `${number} |`)} ${source}`.trimEnd(),
      `${paint("dim", `${margin} |`)} ${paint(diagnostic.severity, marks)}`,
    ];
    if (diagnostic.hint !== undefined) block.push(`${paint("dim", `${margin} =`)} hint: ${visible(diagnostic.hint)}`);
    return `${block.join("\n")}\n`;
  });
  return blocks.join("\n");
}

/** One diagnostic of `--format json`. */
export interface DiagnosticRecord {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
  readonly severity: Severity;
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

/** Diagnostics as plain data, sorted by place. */
export function diagnosticRecords(diagnostics: readonly Diagnostic[], file: string): readonly DiagnosticRecord[] {
  return sortDiagnostics(diagnostics).map(({ severity, code, message, hint, span }) => ({
    file,
    line: span.start.line,
    column: span.start.column,
    endLine: span.end.line,
    endColumn: span.end.column,
    severity,
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
  }));
}

/** `2 errors, 1 warning`; empty when there is nothing to count. */
export function countDiagnostics(diagnostics: readonly Diagnostic[]): string {
  const count = (severity: Severity, one: string, many: string): string[] => {
    const found = diagnostics.filter((diagnostic) => diagnostic.severity === severity).length;
    return found === 0 ? [] : [`${found} ${found === 1 ? one : many}`];
  };
  return [
    ...count("error", "error", "errors"),
    ...count("warning", "warning", "warnings"),
    ...count("info", "note", "notes"),
  ].join(", ");
}

/** The line, or the part of it around the span, with the marks that go under it. */
function excerpt(line: string, { span }: Diagnostic): { source: string; marks: string } {
  const from = span.start.column - 1;
  const spanEnd = span.end.line > span.start.line ? line.length : span.end.column - 1;
  const cutStart = line.length <= widestExcerpt || from < widestExcerpt / 2 ? 0 : from - 20;
  const cutEnd = Math.min(line.length, cutStart + widestExcerpt);
  const before = cutStart > 0 ? "..." : "";
  const after = cutEnd < line.length ? "..." : "";
  const shown = visible(line.slice(cutStart, cutEnd));
  const marked = Math.max(1, Math.min(spanEnd, cutEnd) - from);
  return {
    source: `${before}${shown}${after}`,
    marks: `${" ".repeat(before.length + from - cutStart)}${"^".repeat(marked)}`,
  };
}

/** One column for one character; tabs too, so that the marks stand where they should. */
function visible(text: string): string {
  return text.replace(/\t/g, " ").replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, "\ufffd");
}
