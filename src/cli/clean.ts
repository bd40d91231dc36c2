import type { Command } from "commander";
import { connectEngine, engineEnvironment } from "../cluster/engine.ts";
import { type FoundRun, findAbandonedLocalRuns, findRuns, removeRun } from "../cluster/run-removal.ts";
import { sweepStateDirectory } from "../cluster/state-sweep.ts";
import { KubefileError } from "../error.ts";
import { countOf } from "../image/text-table.ts";
import { type CommandContext, directories } from "../platform/context.ts";

export function registerClean(program: Command, context: CommandContext): void {
  program
    .command("clean")
    .description("remove whatever an interrupted run left: clusters, containers, networks, processes, files")
    .option("--all", "also clusters kept by `kubefile run` or --keep-cluster", false)
    .addHelpText(
      "after",
      `
Runs of other machines that share the engine, clusters that other users keep, and runs that are still going on, are
never touched.

Examples:
  kubefile clean
  kubefile clean --all`,
    )
    .action(async (flags: { all: boolean }) => {
      const stateDirectory = directories(context, undefined).state;
      // These need no engine, and so go where there is none.
      const local = await findAbandonedLocalRuns(stateDirectory);
      for (const { runId } of local) {
        await removeRun(runId, { stateDirectory });
        context.stdout.write(`removed run ${runId}\n`);
      }
      const engine = await connectEngine(engineEnvironment(context.env), context.signal);
      const options = { engine, stateDirectory, signal: context.signal };
      const { removable, left } = sortRuns(await findRuns(options), flags.all);
      const problems: KubefileError[] = [];
      for (const { runId } of removable) {
        try {
          await removeRun(runId, options);
          context.stdout.write(`removed run ${runId}\n`);
        } catch (error) {
          if (!(error instanceof KubefileError) || context.signal.aborted) throw error;
          problems.push(error);
        }
      }
      await sweepStateDirectory(stateDirectory, Date.now());
      if (removable.length + local.length === 0) context.stdout.write("nothing to remove\n");
      for (const line of left) context.stdout.write(`${line}\n`);
      const [first] = problems;
      if (first === undefined) return;
      throw new KubefileError(first.code, problems.map(({ message }) => message).join("\n"), {
        hint: "`docker ps -a` and `docker network ls` show what is in the way; then run `kubefile clean` again",
      });
    });
}

/** What may be removed, and a line on each kind of run that is left in place. */
export function sortRuns(
  runs: readonly FoundRun[],
  all: boolean,
): { readonly removable: readonly FoundRun[]; readonly left: readonly string[] } {
  const dead = runs.filter((run) => run.owner === "dead");
  const kept = dead.filter((run) => run.keep && run.recorded && !all);
  // Kept by somebody, and nothing here says by whom.
  const others = dead.filter((run) => run.keep && !run.recorded);
  const alive = runs.filter((run) => run.owner === "alive");
  const unknown = runs.filter((run) => run.owner === "unknown");
  const names = (some: readonly FoundRun[]): string => some.map(({ runId }) => runId).join(", ");
  return {
    removable: dead.filter((run) => !run.keep || (all && run.recorded)),
    left: [
      ...(kept.length === 0
        ? []
        : [`left ${countOf(kept.length, "kept cluster")}: ${names(kept)}; --all removes them`]),
      ...(others.length === 0
        ? []
        : [`left ${countOf(others.length, "cluster")} that another user keeps: ${names(others)}`]),
      ...(alive.length === 0 ? [] : [`left ${countOf(alive.length, "run")} still going on: ${names(alive)}`]),
      ...(unknown.length === 0
        ? []
        : [`left ${countOf(unknown.length, "run")} of other machines or containers: ${names(unknown)}`]),
    ],
  };
}
