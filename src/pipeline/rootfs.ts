import type { CacheKey, RootfsRecord } from "../cache/types.ts";
import { connectEngine } from "../cluster/engine.ts";
import type { RootfsLayer } from "../image/assemble.ts";
import { countOf } from "../image/text-table.ts";
import type { App, Launch } from "../image/types.ts";
import { detectAppType } from "../kubefile/app-type.ts";
import { formatPlatform } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { resolveLaunch } from "../plan/launch.ts";
import type { Plan } from "../plan/plan.ts";
import type { ResolvedInput, Step } from "../plan/step.ts";
import { rootfsKey } from "../plan/step-key.ts";
import { type TracedPlan, tracePlan } from "../plan/traced-plan.ts";
import type { Tree } from "../rootfs/tree.ts";
import { treeDigest } from "../rootfs/tree-digest.ts";
import type { RootfsWorkspace } from "../rootfs/workspace.ts";
import { BlobLost } from "./blob-supply.ts";
import type { BuildParts, RunParts } from "./build-parts.ts";
import type { Phase } from "./progress.ts";
import { buildRootfs, type StepOutcome } from "./rootfs-build.ts";
import { workDirectory } from "./run-lifetime.ts";
import { createStageTree, type StageTree } from "./stage-tree.ts";
import { stepRecords } from "./step-records.ts";

/** The finished rootfs, and what follows from it. */
export interface Rootfs {
  /** Over the whole tree. */
  readonly tree: Digest;
  readonly layers: readonly RootfsLayer[];
  readonly launch: Launch;
  readonly apps: readonly App[];
}

/** A rootfs whose files are here. */
export interface RootfsWithFiles extends Rootfs, AsyncDisposable {
  readonly workspace: RootfsWorkspace;
}

/**
 * The rootfs as a record tells it. Undefined when there is none, or when a layer of it can be had nowhere: then its
 * steps are gone through one by one.
 *
 * @returns as `isDecided` whether all that decides the rootfs is known beforehand
 */
export async function knownRootfs(
  parts: BuildParts,
): Promise<{ readonly rootfs: Rootfs | undefined; readonly isDecided: boolean }> {
  const { host, plan, use, supply, state, trail } = parts;
  const traced = await traceSteps(parts);
  const all = traced.steps.map(({ step, traced: known }, index) => ({ step, known, number: index + 1 }));
  const stageOf = stageTitles(plan);
  const mayUse = all.every(({ step, number }) => use.uses({ shown: step.shown, number, stage: stageOf(step) }));
  if (traced.key === undefined || !mayUse) return { rootfs: undefined, isDecided: traced.key !== undefined };
  for (const { base } of plan.stages) {
    if (base.kind !== "image") continue;
    for (const { descriptor } of base.image.layers) supply.addUpstream(descriptor.digest, base.image.reference);
  }
  const found = await parts.cache.find("rootfs", keyOf(plan, traced.key), {
    signal: host.signal,
    accepts: async ({ record, origins }) => {
      supply.addOrigins(origins);
      const layers = record.layers.map(({ descriptor }) => supply.find(descriptor, { signal: host.signal }));
      return (await Promise.all(layers)).every((place) => place !== undefined);
    },
  });
  if (found === undefined) return { rootfs: undefined, isDecided: true };
  for (const { step, known, number } of all) {
    if (known !== undefined) trail.step(known.trail, number);
    state.steps.push({ shown: step.shown, where: step.where, state: "cached", from: found.from });
  }
  return { rootfs: rootfsOf(plan, found.record), isDecided: true };
}

/**
 * The rootfs with its files: by its record's layers, or by executing what no record tells.
 *
 * @param known what a record tells, when one does
 */
export async function rootfsWithFiles(
  parts: RunParts,
  known: Rootfs | undefined,
  signal: AbortSignal,
): Promise<RootfsWithFiles> {
  return parts.host.progress.phase("rootfs", async (phase) => {
    try {
      return await (known === undefined ? buildSteps(parts, phase, signal) : unpackLayers(parts, known, signal));
    } catch (error) {
      if (!(error instanceof BlobLost)) throw error;
      parts.host.progress.note("warning", `${error.message}; the rootfs is built anew`);
      const use = { ...parts.use, uses: () => false, reason: "a layer was lost" };
      return await buildSteps({ ...parts, use }, phase, signal);
    }
  });
}

async function unpackLayers({ store, supply, run }: RunParts, known: Rootfs, signal: AbortSignal) {
  const tree = createStageTree({ store, supply, directory: workDirectory(run), signal });
  for (const layer of known.layers) tree.add(layer);
  return withFiles(tree, async () => known);
}

async function buildSteps(parts: RunParts, phase: Phase, signal: AbortSignal): Promise<RootfsWithFiles> {
  const { host, options, plan, store, supply, run, state } = parts;
  state.steps.length = 0;
  const { tree, key } = await buildRootfs({
    ...{
      plan,
      store,
      supply,
      use: parts.use,
      inputs: parts.inputs,
      ignore: parts.ignore,
      images: parts.images,
      web: parts.web,
      git: parts.git,
      phase,
      signal,
    },
    records: stepRecords({ cache: parts.cache, supply, save: parts.saveRecord, signal }),
    platform: formatPlatform(options.platform),
    container: await containerOf(parts),
    context: options.context,
    secrets: options.secrets,
    run:
      options.run === "host"
        ? { kind: "host", searchPath: host.searchPath, home: run.names.hostHome }
        : {
            kind: "container",
            engine: async () => parts.engine ?? (await connectEngine(host.engineEnvironment, signal)),
            run,
            image: options.runImage,
          },
    directory: workDirectory(run),
    onStep: (outcome) => phase.log(noteStep(parts, outcome)),
  });
  const cached = state.steps.filter((step) => step.state === "cached").length;
  phase.summary(`${countOf(tree.layers.length, "layer")}, ${cached} of ${countOf(state.steps.length, "step")} cached`);
  return withFiles(tree, (workspace) => finished(parts, tree, key, workspace));
}

async function withFiles(
  tree: StageTree,
  describe: (workspace: RootfsWorkspace) => Promise<Rootfs>,
): Promise<RootfsWithFiles> {
  try {
    const workspace = await tree.workspace();
    return { ...(await describe(workspace)), workspace, [Symbol.asyncDispose]: () => tree[Symbol.asyncDispose]() };
  } catch (error) {
    await tree[Symbol.asyncDispose]();
    throw error;
  }
}

/** Looks at the whole tree, and keeps what was found. */
async function finished(
  { plan, saveRecord }: RunParts,
  { layers }: StageTree,
  key: CacheKey,
  { tree }: RootfsWorkspace,
): Promise<Rootfs> {
  const record: RootfsRecord = {
    schemaVersion: 1,
    kind: "rootfs",
    key: keyOf(plan, key),
    tree: treeDigest(tree),
    layers,
    apps: appFiles(plan, tree),
  };
  // Steps may have been executed again although they were known, and have made something else.
  saveRecord(record, { replace: true });
  return rootfsOf(plan, record);
}

/** Tells what became of a step, and returns it as a line for the log. */
function noteStep({ plan, state, trail, use }: BuildParts, outcome: StepOutcome): string {
  const { step, number, traced, from } = outcome;
  const { shown, where } = step;
  const changed = traced === undefined ? undefined : trail.step(traced.trail, number);
  if (from !== undefined) {
    state.steps.push({ shown, where, state: "cached", from });
    return `CACHED ${shown}`;
  }
  const mayUse = use.uses({ shown, number, stage: stageTitles(plan)(step) });
  const unknowable =
    step.kind === "run" ? "what RUN does on this machine is not cached" : "its sources tell no version";
  const reason = mayUse ? (changed ?? unknowable) : use.reason;
  state.steps.push({ shown, where, state: "built", reason });
  return `${shown}: ${reason}`;
}

async function traceSteps(parts: BuildParts): Promise<TracedPlan> {
  const { plan, inputs, options } = parts;
  const steps = plan.stages.flatMap((stage) => stage.steps);
  const resolved = new Map<Step, readonly ResolvedInput[]>();
  for (const step of steps) resolved.set(step, await inputs.of(step));
  return tracePlan(plan.stages, resolved, {
    platform: formatPlatform(options.platform),
    container: await containerOf(parts),
  });
}

/** Only what RUN runs in matters, and only when there is a RUN. */
async function containerOf({ plan, options, identities }: BuildParts): Promise<string | undefined> {
  const hasRun = plan.stages.some(({ steps }) => steps.some(({ kind }) => kind === "run"));
  return hasRun && options.run === "container" ? (await identities.launchContainer())?.id : undefined;
}

function keyOf(plan: Plan, last: CacheKey): CacheKey {
  return rootfsKey(
    last,
    plan.apps.map(({ directory }) => directory),
  );
}

function rootfsOf(plan: Plan, record: RootfsRecord): Rootfs {
  const contents = new Map(
    plan.apps.map(({ name, directory }) => {
      const files = record.apps.find((app) => app.directory === directory)?.files ?? [];
      return [name, { type: detectAppType(files), files }];
    }),
  );
  return { tree: record.tree, layers: record.layers, ...resolveLaunch(plan, contents) };
}

/** What the finished rootfs holds of each application. */
function appFiles({ apps }: Plan, tree: Tree): RootfsRecord["apps"] {
  const paths = [...tree].filter(([, entry]) => entry.type !== "directory").map(([path]) => path);
  return [...new Set(apps.map(({ directory }) => directory))].sort().map((directory) => ({
    directory,
    files: paths
      .filter((path) => path.startsWith(`${directory}/`))
      .map((path) => path.slice(directory.length + 1))
      .sort(),
  }));
}

function stageTitles({ stages }: Plan): (step: Step) => string {
  const titles = new Map(stages.flatMap(({ title, steps }) => steps.map((step) => [step, title] as const)));
  return (step) => titles.get(step) ?? "";
}
