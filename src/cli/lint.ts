import { stat } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { type Command, Option } from "commander";
import { directoryContext } from "../kubefile/context-files.ts";
import { countDiagnostics, diagnosticRecords, formatDiagnostics } from "../kubefile/format-diagnostics.ts";
import { checkKubefile } from "../kubefile/lint.ts";
import { readKubefileText } from "../pipeline/kubefile-source.ts";
import { annotateDiagnostics } from "../platform/annotate-error.ts";
import { type CommandContext, showsColor } from "../platform/context.ts";
import { absolute } from "../platform/input-values.ts";
import { loadIgnoreFile } from "../rootfs/load-ignore-file.ts";

export function registerLint(program: Command, context: CommandContext, setExitCode: (code: number) => void): void {
  program
    .command("lint")
    .description("check Kubefiles: every problem at once, with line, column and what to do")
    .argument("[path...]", "Kubefiles, or directories that hold one", ["."])
    .addOption(
      new Option("--format <format>", "how findings are printed").choices(["pretty", "json"]).default("pretty"),
    )
    .addHelpText(
      "after",
      "\nExamples:\n  kubefile lint\n  kubefile lint deploy/Kubefile other/\n  kubefile lint --format json . | jq '.[].message'",
    )
    .action(async (paths: readonly string[], flags: { format: "pretty" | "json" }) => {
      const records: unknown[] = [];
      let errors = 0;
      for (const path of paths) {
        const file = await kubefileAt(absolute(path, context.cwd));
        const shown = relative(context.cwd, file).startsWith("..") ? file : relative(context.cwd, file);
        const text = await readKubefileText(file, shown);
        const { diagnostics } = checkKubefile(text, shown, {
          context: directoryContext(dirname(file), await loadIgnoreFile(dirname(file))),
          unsupported: "warning",
        });
        errors += diagnostics.filter(({ severity }) => severity === "error").length;
        if (flags.format === "json") records.push(...diagnosticRecords(diagnostics, shown));
        else {
          const listing = formatDiagnostics(diagnostics, text, shown, {
            color: showsColor(context.stdout, context.env),
          });
          context.stdout.write(listing === "" ? "" : `${listing}\n`);
          annotateDiagnostics(context.platform, diagnostics, shown);
          context.stdout.write(`${shown}: ${countDiagnostics(diagnostics) || "no problems"}\n`);
        }
      }
      if (flags.format === "json") context.stdout.write(`${JSON.stringify(records, undefined, 2)}\n`);
      if (errors > 0) setExitCode(2);
    });
}

async function kubefileAt(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() === true ? join(path, "Kubefile") : path;
}
