import type { Command } from "commander";
import { connectEngine, engineEnvironment } from "../cluster/engine.ts";
import { findRuns, removeRun } from "../cluster/run-removal.ts";
import { type CommandContext, directories } from "./context.ts";

export function registerClean(program: Command, context: CommandContext): void {
  program
    .command("clean")
    .description("remove whatever an interrupted run left: clusters, containers, networks, processes, files")
    .option("--all", "also clusters kept by `kubefile run` or --keep-cluster", false)
    .addHelpText(
      "after",
      `
Runs of other machines that share the engine, and runs that are still going on, are never touched.

Examples:
  kubefile clean
  kubefile clean --all`,
    )
    .action(async (flags: { all: boolean }) => {
      const engine = await connectEngine(engineEnvironment(context.env), context.signal);
      const options = { engine, stateDirectory: directories(context, undefined).state, signal: context.signal };
      const found = await findRuns(options);
      const chosen = found.filter((run) => (run.owner === "dead" || run.keep) && (flags.all || !run.keep));
      for (const run of chosen) {
        await removeRun(run.runId, options);
        context.stdout.write(`removed run ${run.runId}\n`);
      }
      if (chosen.length === 0) context.stdout.write("nothing to remove\n");
      const kept = found.filter((run) => run.keep && !flags.all).length;
      if (kept > 0) context.stdout.write(`${kept} kept cluster(s) left in place; --all removes them\n`);
    });
}
