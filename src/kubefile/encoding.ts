import type { Report } from "./diagnostic.ts";
import type { Span } from "./mapped-text.ts";

/**
 * Tells of what reading as UTF-8 has lost, which would otherwise end up in labels, paths and commands without a word.
 * Comments may hold anything.
 *
 * @param physical lines of a text in which U+FFFD stands for bytes that are not UTF-8
 * @returns where the text ends when it is none at all, so that nothing more is worth saying
 */
export function checkEncoding(physical: readonly string[], report: Report): Span | undefined {
  const isLost = physical.some((line) => line.includes("\uFFFD"));
  if (isLost && physical.some((line) => line.includes("\u0000"))) {
    const isWide = physical[0]?.startsWith("\uFFFD\uFFFD") === true;
    const start = { line: 1, column: 1 };
    const span = { start, end: start };
    report({
      severity: "error",
      code: "invalid-encoding",
      message: isWide ? "the file is UTF-16 text, not UTF-8" : "the file is no text",
      hint: isWide ? "save it as UTF-8; Windows PowerShell: Out-File -Encoding utf8" : "name a Kubefile",
      span,
    });
    return span;
  }
  for (const [index, line] of physical.entries()) {
    const column = line.indexOf("\uFFFD") + 1;
    if (column === 0 || /^\s*#/.test(line)) continue;
    report({
      severity: "error",
      code: "invalid-encoding",
      message: "a character that is not UTF-8",
      hint: "save the file as UTF-8",
      span: { start: { line: index + 1, column }, end: { line: index + 1, column: column + 1 } },
    });
  }
  return undefined;
}
