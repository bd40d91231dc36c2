import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { errorMessage, formatLocation, KubefileError } from "../error.ts";
import { directoryContext } from "../kubefile/context-files.ts";
import { DiagnosticsError } from "../kubefile/diagnostics-error.ts";
import type { IgnoreRules } from "../kubefile/ignore-file.ts";
import type { Kubefile } from "../kubefile/instruction.ts";
import { checkKubefile } from "../kubefile/lint.ts";
import { didYouMean, nearest } from "../kubefile/nearest.ts";
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
  const text = await readKubefileText(file, shown);
  const { kubefile, diagnostics } = checkKubefile(text, shown, {
    context: directoryContext(context, ignore),
    unsupported: "error",
  });
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  const rest = diagnostics.filter(({ severity }) => severity !== "error");
  if (errors.length === 0) {
    for (const { span, code, message, severity } of rest) {
      const where = { file: shown, line: span.start.line, column: span.start.column };
      const text = `${formatLocation(where)}: ${message} [${code}]`;
      progress.note(severity === "warning" ? "warning" : "info", text, where);
    }
    return kubefile;
  }
  throw new DiagnosticsError(diagnostics, text, shown);
}

const emptyHint = "its directory is empty: a job of GitHub has to check its repository out before (actions/checkout)";

/** Bytes; the longest Kubefile of the world has some hundred lines. */
const LONGEST_KUBEFILE = 4 * 1024 * 1024;

/** @throws KubefileError USAGE when there is no such file, or none that could be a Kubefile */
export async function readKubefileText(file: string, shown: string): Promise<string> {
  const refused = (why: string, cause?: unknown, hint = "name a Kubefile, or the directory that holds one") =>
    new KubefileError("USAGE", `${shown} ${why}`, { hint, ...(cause === undefined ? {} : { cause }) });
  try {
    const found = await stat(file);
    if (!found.isFile()) throw refused("is not a file");
    if (found.size > LONGEST_KUBEFILE) throw refused(`is longer than ${LONGEST_KUBEFILE} bytes`);
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof KubefileError) throw error;
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (!isMissing) throw refused(`cannot be read: ${errorMessage(error)}`, error);
    const beside = await readdir(dirname(file)).catch(() => undefined);
    const hint = beside?.length === 0 ? emptyHint : didYouMean(nearest(basename(file), beside ?? []));
    throw refused("does not exist", error, hint);
  }
}
