import { KubefileError, locationPrefix } from "../error.ts";
import { DiagnosticsError } from "../kubefile/diagnostics-error.ts";
import { asKubefileError } from "../pipeline/failure.ts";
import { printable } from "../process/printable.ts";
import type { TextOutput } from "./platform.ts";

const STACK_LINES = 6;

/**
 * Prints an error for people: what failed and where, the next step below it. An error that is not one of ours is a
 * defect, and says so.
 *
 * @returns the exit code that belongs to it
 */
export function printError(error: unknown, output: TextOutput, color: boolean): number {
  const paint = (style: number, text: string): string => (color ? `\u001b[${style}m${text}\u001b[0m` : text);
  const known = asKubefileError(error);
  if (known.code === "CANCELLED") {
    output.write(`${printable(known.message)}\n`);
    return known.exitCode;
  }
  if (known instanceof DiagnosticsError) output.write(`${known.listing({ color })}\n`);
  const message = known instanceof DiagnosticsError ? known.summary : known.message;
  const where = printable(locationPrefix(known.where));
  output.write(`${paint(31, `error[${known.code}]`)}: ${where}${indented(message, "  | ")}\n`);
  if (known.code === "INTERNAL") output.write(stackOf(error));
  if (known.hint !== undefined) output.write(`  ${paint(36, "hint:")} ${indented(known.hint, "        ")}\n`);
  return known.exitCode;
}

/**
 * Further lines stand below the first, behind a margin: they are seen to belong to it, and what a program wrote is at
 * the start of no line, where a CI system would take `::add-mask::` and the like for its own.
 */
function indented(text: string, margin: string): string {
  const [first = "", ...rest] = text.trimEnd().split("\n").map(printable);
  return [first, ...rest.map((line) => `${margin}${line}`.trimEnd())].join("\n");
}

function stackOf(error: unknown): string {
  const origin = error instanceof KubefileError ? (error.cause ?? error) : error;
  if (!(origin instanceof Error) || origin.stack === undefined) return "";
  const frames = origin.stack.split("\n").filter((line) => /^\s+at /.test(line));
  return frames
    .slice(0, STACK_LINES)
    .map((line) => `${printable(line)}\n`)
    .join("");
}
