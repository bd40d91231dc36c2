import { connectEngine, engineEnvironment } from "../cluster/engine.ts";
import { type FoundRun, findAbandonedLocalRuns, findRuns, isExpired, removeRun } from "../cluster/run-removal.ts";
import { sweepStateDirectory } from "../cluster/state-sweep.ts";
import { KubefileError } from "../error.ts";
import { countOf } from "../image/text-table.ts";
import { type CommandContext, directories } from "./context.ts";

export interface MachineCleaning {
  /** Also clusters that this user keeps. */
  readonly all: boolean;
  /** Tells what would be done, and does nothing. */
  readonly dryRun: boolean;
}

/**
 * Removes what runs left on this machine and in its engine, and tells what was left in place and why.
 *
 * @returns the runs that were removed, or would be
 * @throws KubefileError ENGINE_MISSING, CLUSTER_FAILED with everything that could not be removed
 */
export async function cleanMachine(context: CommandContext, cleaning: MachineCleaning): Promise<readonly string[]> {
  const { stdout, signal } = context;
  const stateDirectory = directories(context, undefined).state;
  const removed: string[] = [];
  const remove = async (runId: string, options: Parameters<typeof removeRun>[1]): Promise<void> => {
    if (!cleaning.dryRun) await removeRun(runId, options);
    stdout.write(`${cleaning.dryRun ? "would remove" : "removed"} run ${runId}\n`);
    removed.push(runId);
  };
  // These need no engine, and so go where there is none.
  for (const { runId } of await findAbandonedLocalRuns(stateDirectory)) await remove(runId, { stateDirectory });
  const engine = await connectEngine(engineEnvironment(context.env), signal);
  const options = { engine, stateDirectory, signal };
  const found = (await findRuns(options)).filter(({ runId }) => !removed.includes(runId));
  const { removable, left } = sortRuns(found, cleaning.all, new Date());
  const problems: KubefileError[] = [];
  for (const { runId } of removable) {
    try {
      await remove(runId, options);
    } catch (error) {
      if (!(error instanceof KubefileError) || signal.aborted) throw error;
      problems.push(error);
    }
  }
  if (!cleaning.dryRun) await sweepStateDirectory(stateDirectory, Date.now());
  if (removed.length + problems.length === 0) stdout.write("nothing to remove\n");
  for (const line of left) stdout.write(`${line}\n`);
  const [first] = problems;
  if (first === undefined) return removed;
  throw new KubefileError(first.code, problems.map(({ message }) => message).join("\n"), {
    hint: "`docker ps -a` and `docker network ls` show what is in the way; then run `kubefile clean` again",
  });
}

/** What may be removed, and a line on each kind of run that is left in place. */
export function sortRuns(
  runs: readonly FoundRun[],
  all: boolean,
  now: Date,
): { readonly removable: readonly FoundRun[]; readonly left: readonly string[] } {
  const isRemovable = (run: FoundRun): boolean =>
    isExpired(run, now) || (run.owner === "dead" && (!run.keep || (all && run.recorded)));
  const staying = runs.filter((run) => !isRemovable(run));
  const previews = staying.filter((run) => run.lasting !== undefined && run.owner !== "alive");
  const others = staying.filter((run) => !previews.includes(run));
  const dead = others.filter((run) => run.owner === "dead");
  const line = (some: readonly FoundRun[], what: (count: number) => string, next = ""): string[] =>
    some.length === 0 ? [] : [`left ${what(some.length)}: ${some.map(({ runId }) => runId).join(", ")}${next}`];
  return {
    removable: runs.filter(isRemovable),
    left: [
      ...previews.map(({ runId, lasting }) => `left preview ${lasting?.name ?? runId} until ${lasting?.expires ?? ""}`),
      ...line(
        dead.filter(({ recorded }) => recorded),
        (count) => countOf(count, "kept cluster"),
        "; --all removes them",
      ),
      // Kept by somebody, and nothing here says by whom.
      ...line(
        dead.filter(({ recorded }) => !recorded),
        (count) => `${countOf(count, "cluster")} that another user keeps`,
      ),
      ...line(
        others.filter(({ owner }) => owner === "alive"),
        (count) => `${countOf(count, "run")} still going on`,
      ),
      ...line(
        others.filter(({ owner }) => owner === "unknown"),
        (count) => `${countOf(count, "run")} of other machines or containers`,
      ),
    ],
  };
}
