import { readFile } from "node:fs/promises";
import { errorMessage, KubefileError } from "../error.ts";
import { directoryContext } from "../kubefile/context-files.ts";
import { DiagnosticsError } from "../kubefile/diagnostics-error.ts";
import type { IgnoreRules } from "../kubefile/ignore-file.ts";
import type { Kubefile } from "../kubefile/instruction.ts";
import { checkKubefile } from "../kubefile/lint.ts";
import type { Progress } from "./progress.ts";

/**
 * Reads and checks the Kubefile of a build; warnings become notes.
 *
 * @throws KubefileError USAGE when it cannot be read, KUBEFILE_INVALID with every problem, each with its place and caret
 */
export async function readKubefile(options: {
  readonly file: string;
  readonly shown: string;
  readonly context: string;
  readonly ignore: IgnoreRules;
  readonly progress: Progress;
}): Promise<Kubefile> {
  const { file, shown, context, ignore, progress } = options;
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new KubefileError("USAGE", `${shown} cannot be read: ${errorMessage(error)}`, {
      hint: "name the Kubefile with -f FILE, or the directory that holds it",
      cause: error,
    });
  });
  const { kubefile, diagnostics } = checkKubefile(text, shown, {
    context: directoryContext(context, ignore),
    unsupported: "error",
  });
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  const rest = diagnostics.filter(({ severity }) => severity !== "error");
  if (errors.length === 0) {
    for (const { span, code, message, severity } of rest) {
      const place = `${shown}:${span.start.line}:${span.start.column}`;
      progress.note(severity === "warning" ? "warning" : "info", `${place}: ${message} [${code}]`);
    }
    return kubefile;
  }
  throw new DiagnosticsError(diagnostics, text, shown);
}
