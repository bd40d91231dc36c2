import { connectEngine, engineEnvironment } from "../cluster/engine.ts";
import {
  type AbandonedRun,
  type FoundRun,
  findAbandonedLocalRuns,
  findRuns,
  isExpired,
  removeAbandonedRun,
} from "../cluster/run-removal.ts";
import { sweepStateDirectory } from "../cluster/state-sweep.ts";
import { KubefileError } from "../error.ts";
import { countOf } from "../image/text-table.ts";
import { asKubefileError } from "../pipeline/failure.ts";
import { type CommandContext, directories } from "./context.ts";

export interface MachineCleaning {
  /** Which clusters go, too, that this user keeps: all of them, or the one of a run id. */
  readonly kept: "none" | "all" | { readonly runId: string };
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
  const problems = new Map<string, KubefileError>();
  const remove = async (found: AbandonedRun, options: Parameters<typeof removeAbandonedRun>[1]): Promise<void> => {
    const { runId } = found;
    try {
      if (!cleaning.dryRun && !(await removeAbandonedRun(found, options))) return;
    } catch (error) {
      if (!(error instanceof KubefileError) || signal.aborted) throw error;
      problems.set(runId, error);
      return;
    }
    stdout.write(`${cleaning.dryRun ? "would remove" : "removed"} run ${runId}\n`);
    removed.push(runId);
  };
  // These need no engine, and so go where there is none.
  for (const found of await findAbandonedLocalRuns(stateDirectory)) await remove(found, { stateDirectory, signal });
  const engine = await connectEngine(engineEnvironment(context.env), signal).catch((error: unknown) => {
    throw problems.size === 0 ? error : joined([...problems.values(), asKubefileError(error)]);
  });
  const options = { engine, stateDirectory, signal };
  const isDone = (runId: string): boolean => removed.includes(runId) || problems.has(runId);
  const found = (await findRuns(options)).filter(({ runId }) => !isDone(runId));
  if (typeof cleaning.kept !== "string" && !isDone(cleaning.kept.runId)) requireKept(found, cleaning.kept.runId);
  const { removable, left } = sortRuns(found, cleaning.kept, new Date());
  for (const run of removable) await remove(run, options);
  if (!cleaning.dryRun) await sweepStateDirectory(stateDirectory, Date.now());
  if (removed.length + problems.size === 0) stdout.write("nothing to remove\n");
  for (const line of left) stdout.write(`${line}\n`);
  if (problems.size > 0) throw joined([...problems.values()]);
  return removed;
}

/** @throws KubefileError USAGE for a name that no cluster of this user has */
function requireKept(runs: readonly FoundRun[], name: string): void {
  const named = runs.find(({ runId }) => runId === name);
  if (named?.owner === "dead" && named.recorded) return;
  const kept = runs.filter(({ owner, keep, recorded }) => owner === "dead" && keep && recorded);
  const names = kept.map(({ runId }) => runId).sort();
  throw new KubefileError("USAGE", `--run ${JSON.stringify(name)} names nothing to remove: ${whyNot(named)}`, {
    hint: names.length === 0 ? "no cluster is kept here" : `kept here: ${names.join(", ")}`,
  });
}

function whyNot(run: FoundRun | undefined): string {
  if (run === undefined) return "there is no such run";
  return run.owner === "alive" ? "it is still going on" : "it is another user's";
}

function joined(problems: readonly KubefileError[]): KubefileError {
  return new KubefileError(problems[0]?.code ?? "CLUSTER_FAILED", problems.map(({ message }) => message).join("\n"), {
    hint: "`docker ps -a`, `docker network ls`, `mount` and `lsattr` show what is in the way; then run `kubefile clean` again",
  });
}

/** What may be removed, and a line on each kind of run that is left in place. */
export function sortRuns(
  runs: readonly FoundRun[],
  kept: MachineCleaning["kept"],
  now: Date,
): { readonly removable: readonly FoundRun[]; readonly left: readonly string[] } {
  const isMeant = ({ runId }: FoundRun): boolean => kept === "all" || (kept !== "none" && kept.runId === runId);
  const isRemovable = (run: FoundRun): boolean =>
    isExpired(run, now) || (run.owner === "dead" && (!run.keep || (run.recorded && isMeant(run))));
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
        "; --run NAME removes one, --all all of them",
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
        "; docs/engines.md says how to remove those that are over",
      ),
    ],
  };
}
