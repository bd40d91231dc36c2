import { codeBlock } from "./markdown.ts";

/** How to look into a failure; told by the platform. */
export interface FailurePointers {
  /** One command that does the same on another machine. */
  readonly reproduce?: string;
  /** Where what was kept of a failed run can be had, as markdown. */
  readonly bundle?: string;
}

/** Empty when there is nothing to point to. */
export function failurePointersMarkdown({ reproduce, bundle }: FailurePointers): string {
  return [
    ...(bundle === undefined ? [] : [`Events, logs and objects of the run: ${bundle}`]),
    ...(reproduce === undefined ? [] : [`The same on another machine:\n\n${codeBlock(reproduce, "sh")}`]),
  ].join("\n\n");
}
