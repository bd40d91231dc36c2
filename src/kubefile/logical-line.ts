import type { Report } from "./diagnostic.ts";
import { type EscapeCharacter, readDirectives } from "./directives.ts";
import { type Heredoc, heredocLines, readHeredocs } from "./heredoc.ts";
import { concatenate, type MappedText, type Span, slice, spanOf } from "./mapped-text.ts";

/** One instruction's text: its physical lines joined, without continuation characters, comments and blank lines. */
export interface LogicalLine extends MappedText {
  readonly heredocs: readonly Heredoc[];
}

export interface LogicalLines {
  readonly lines: readonly LogicalLine[];
  readonly escape: EscapeCharacter;
}

/** Bytes; sealer stops reading, without a word, at the first longer line. */
const longestLine = 64 * 1024;

/** The lines of a file without byte order mark and line ends, as editors count them. */
export function physicalLines(text: string): readonly string[] {
  const lines = text.replace(/^\uFEFF/, "").split("\n");
  return lines.map((line) => line.replace(/\r+$/, ""));
}

/** Splits a Kubefile into instructions' lines. Problems go to `report`; no input makes it throw. */
export function readLogicalLines(physical: readonly string[], report: Report): LogicalLines {
  const escapeCharacter = readDirectives(physical, report);
  const continuation = escapeCharacter === "\\" ? /(?:^|[^\\])(\\[ \t]*)$/ : /(?:^|[^`])(`[ \t]*)$/;
  const lines: LogicalLine[] = [];
  const forHeredocs = heredocLines(physical);
  let parts: MappedText[] = [];
  let index = 0;

  const finish = (): void => {
    const joined = trimLine(concatenate(parts));
    parts = [];
    if (joined.text === "") return;
    const { heredocs, next } = readHeredocs(joined, forHeredocs, index, report);
    index = next;
    lines.push({ ...joined, heredocs });
  };

  while (index < physical.length) {
    const text = physical[index] ?? "";
    const line: MappedText = { text, pieces: [{ offset: 0, line: index + 1, column: 1 }] };
    index += 1;
    if (/^\s*#/.test(text)) continue;
    if (text.trim() === "") {
      if (parts.length > 0 && index < physical.length) reportEmptyLine(line, report);
      continue;
    }
    checkCharacters(line, report);
    const mark = continuation.exec(text)?.[1];
    if (mark === undefined) {
      parts.push(line);
      finish();
    } else {
      parts.push(slice(line, 0, text.length - mark.length));
    }
  }
  const last = parts.at(-1);
  if (last !== undefined) {
    const span = spanOf(last, last.text.length, last.text.length);
    report({
      severity: "warning",
      code: "continuation-at-end",
      message: `the last line ends with ${escapeCharacter}, but nothing follows that it could be continued with`,
      hint: `remove the ${escapeCharacter}`,
      span,
    });
    finish();
  }
  return { lines, escape: escapeCharacter };
}

/** White space around an instruction means nothing, but a line that is only that must not lose its place. */
function trimLine(line: MappedText): MappedText {
  const start = line.text.length - line.text.trimStart().length;
  return slice(line, start, Math.max(start, line.text.trimEnd().length));
}

function reportEmptyLine(line: MappedText, report: Report): void {
  report({
    severity: "warning",
    code: "empty-continuation",
    message: "blank line inside a continued instruction",
    hint: "remove it, or write # on it; Docker will not accept it for ever",
    span: spanOf(line, 0, line.text.length),
  });
}

function checkCharacters(line: MappedText, report: Report): void {
  const bytes = Buffer.byteLength(line.text);
  if (bytes > longestLine) {
    report({
      severity: "error",
      code: "line-too-long",
      message: `the line has ${bytes} bytes; at most ${longestLine} are read`,
      hint: "continue it on further lines, or move the text into a file and COPY it",
      span: spanOf(line, 0, line.text.length),
    });
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is searched for
  const odd = /[\u0000-\u0008\u000e-\u001f\u007f]|[\u00a0\u200b-\u200d\u2028\u2029\u202f\u3000\ufeff]/.exec(line.text);
  if (odd === null) return;
  const codePoint = odd[0].charCodeAt(0);
  const name = `U+${codePoint.toString(16).toUpperCase().padStart(4, "0")}`;
  const isControl = codePoint < 0x80;
  report({
    severity: isControl ? "error" : "warning",
    code: "invalid-character",
    message: isControl ? `control character ${name}` : `${name} looks like a space and is none`,
    hint: isControl ? "remove it" : "type a plain space instead",
    span: characterSpan(line, odd.index),
  });
}

function characterSpan(line: MappedText, offset: number): Span {
  return spanOf(line, offset, offset + 1);
}
