import { codeBlock } from "./markdown.ts";

/** How to look into a failure; told by the platform. */
export interface FailurePointers {
  /** One command that does the same on another machine. */
  readonly reproduce?: string;
  /** Where what was kept of a failed run can be had, as markdown. */
  readonly bundle?: string;
}

/** Characters of what failed: the log has all of it, and a page must keep room for the rest. */
const LONGEST_FAILURE = 60_000;

/** About what a page shows of a block without scrolling sideways. */
const WIDTH = 100;

/** What failed, in its own words, as a block. Pages do not break the lines of one. */
export function failureBlock(text: string): string {
  const shown = text.length > LONGEST_FAILURE ? `${text.slice(0, LONGEST_FAILURE)}…\nthe log has all` : text;
  return codeBlock(shown.split("\n").flatMap(broken).join("\n"));
}

/** Breaks a long line at blanks, but none that quotes a file, since a caret may stand below. */
function broken(line: string): readonly string[] {
  if (/^\s*\d*\s*\|/.test(line)) return [line];
  const lines: string[] = [];
  let rest = line;
  while (rest.length > WIDTH) {
    const before = rest.lastIndexOf(" ", WIDTH);
    const end = before > WIDTH / 2 ? before : rest.indexOf(" ", WIDTH);
    if (end === -1) break;
    lines.push(rest.slice(0, end));
    rest = `    ${rest.slice(end + 1)}`;
  }
  return [...lines, rest];
}

/** Empty when there is nothing to point to. */
export function failurePointersMarkdown({ reproduce, bundle }: FailurePointers): string {
  return [
    ...(bundle === undefined ? [] : [`Events, logs and objects of the run: ${bundle}`]),
    ...(reproduce === undefined ? [] : [`The same on another machine:\n\n${codeBlock(reproduce, "sh")}`]),
  ].join("\n\n");
}
