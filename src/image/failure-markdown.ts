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

/** What failed, in its own words, as a block. */
export function failureBlock(text: string): string {
  return codeBlock(text.length > LONGEST_FAILURE ? `${text.slice(0, LONGEST_FAILURE)}…\nthe log has all` : text);
}

/** Empty when there is nothing to point to. */
export function failurePointersMarkdown({ reproduce, bundle }: FailurePointers): string {
  return [
    ...(bundle === undefined ? [] : [`Events, logs and objects of the run: ${bundle}`]),
    ...(reproduce === undefined ? [] : [`The same on another machine:\n\n${codeBlock(reproduce, "sh")}`]),
  ].join("\n\n");
}
