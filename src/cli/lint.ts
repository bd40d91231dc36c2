import { type Command, Option } from "commander";
import type { CommandContext } from "../platform/context.ts";
import { type LintFormat, lintFormats, lintInJob } from "../platform/lint-job.ts";

export function registerLint(program: Command, context: CommandContext, setExitCode: (code: number) => void): void {
  program
    .command("lint")
    .description("check Kubefiles: every problem at once, with line, column and what to do")
    .argument("[path...]", "Kubefiles, or directories that hold one", ["."])
    .addOption(new Option("--format <format>", "how findings are printed").choices(lintFormats).default("pretty"))
    .addHelpText(
      "after",
      "\nExamples:\n  kubefile lint\n  kubefile lint deploy/Kubefile other/\n  kubefile lint --format json . | jq '.[].message'\n  kubefile lint --format codequality . > gl-code-quality-report.json",
    )
    .action(async (paths: readonly string[], { format }: { readonly format: LintFormat }) => {
      const found = await lintInJob(context, paths, format);
      if (found.some(({ severity }) => severity === "error")) setExitCode(2);
    });
}
