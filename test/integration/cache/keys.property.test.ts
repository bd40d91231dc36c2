import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { unprotectedTrust } from "../../../src/cache/trust.ts";
import type { CacheKey } from "../../../src/cache/types.ts";
import { hostPlatform } from "../../../src/oci/descriptor.ts";
import { createGitSources } from "../../../src/pipeline/git-sources.ts";
import { createImageSources } from "../../../src/pipeline/image-sources.ts";
import { readKubefile } from "../../../src/pipeline/kubefile-source.ts";
import { stepInputs } from "../../../src/pipeline/step-inputs.ts";
import { createWebSources } from "../../../src/pipeline/web-sources.ts";
import { planBuild } from "../../../src/plan/plan.ts";
import { tracePlan } from "../../../src/plan/traced-plan.ts";
import { loadIgnoreFile } from "../../../src/rootfs/load-ignore-file.ts";
import { openStore } from "../../../src/store/store.ts";
import { buildInProcess, hostIn } from "../../support/build-in-process.ts";
import { type Change, type Circumstances, changesOf, usual } from "../../support/context-changes.ts";
import { type ContextModel, contextModel, filesBelow, writeModel } from "../../support/context-model.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const createDirectory = temporaryDirectories();

type KeysOf = (directory: string, model: ContextModel, around: Circumstances) => Promise<readonly CacheKey[]>;

/** Reads and plans what is on the disk, as a build does, and works out the keys of all steps. */
async function withPlanner(work: (keysOf: KeysOf) => Promise<void>): Promise<void> {
  const host = await hostIn(await createDirectory());
  const store = await openStore(host.directories.store);
  const { client, progress, signal } = host;
  const images = createImageSources({
    host,
    platform: hostPlatform(),
    upstream: client,
    store,
    trust: unprotectedTrust("a test"),
    onResolved: () => undefined,
  });
  const web = createWebSources(client, store);
  const git = createGitSources(host.gitEnvironment, new Map());
  try {
    await work(async (directory, model, { container, architecture }) => {
      const context = join(directory, "context");
      const ignore = await loadIgnoreFile(context);
      const kubefile = await readKubefile({
        ...{ file: join(context, "Kubefile"), shown: "Kubefile", context, ignore, progress },
      });
      const platform = { os: "linux", architecture };
      const plan = planBuild(kubefile, { buildArgs: new Map([["V", model.argument]]), platform });
      const inputs = stepInputs({ context, ignore, images, web, git, signal });
      const steps = plan.stages.flatMap((stage) => stage.steps);
      const resolved = await Promise.all(steps.map(async (step) => [step, await inputs.of(step)] as const));
      const traced = tracePlan(plan.stages, new Map(resolved), { platform: `linux/${architecture}`, container });
      return traced.steps.map(({ traced: known }) => known?.key ?? expect.fail("a step has no key"));
    });
  } finally {
    await store.close();
    await client.close();
  }
}

/** Which steps a change concerns: those that read what changed, those after them, and those that take from their stage. */
function concernedSteps({ stages }: ContextModel, { concerns }: Change): readonly boolean[] {
  const changedStages: boolean[] = [];
  return stages.flatMap((steps, position) => {
    let isChanged = false;
    const concerned = steps.map((step, index) => {
      isChanged ||= concerns(step, { stage: position, index });
      isChanged ||= step.kind === "stage" && changedStages[step.stage] === true;
      return isChanged;
    });
    changedStages.push(isChanged);
    return concerned;
  });
}

/** The rootfs that a model makes, as the test understands COPY: path, and what is there. */
function treeOf(model: ContextModel): Readonly<Record<string, unknown>> {
  const trees: Record<string, unknown>[] = [];
  for (const steps of model.stages) {
    const tree: Record<string, unknown> = {};
    const put = (files: Readonly<Record<string, unknown>>, target: string): void => {
      for (const [path, file] of Object.entries(files)) tree[`${target}/${path}`] = file;
    };
    for (const step of steps) {
      if (step.kind === "copy") put(filesBelow(model, step.source), step.target);
      if (step.kind === "argument") put(filesBelow(model, step.source), `by-${model.argument}`);
      if (step.kind === "text") put({ TEXT: { kind: "file", text: `${step.text}\n`, executable: false } }, step.target);
      if (step.kind === "stage") put(trees[step.stage] ?? {}, `of-${step.stage}`);
    }
    trees.push(tree);
  }
  return Object.fromEntries(Object.entries(trees.at(-1) ?? {}).sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** Builds what is on the disk with an empty store, and looks under which key the launch is kept. */
async function launchKeyOf(directory: string, model: ContextModel): Promise<CacheKey> {
  const store = join(directory, "store");
  await buildInProcess({ directory, files: {}, store, options: { buildArgs: new Map([["V", model.argument]]) } });
  const records = join(store, "records", "unprotected");
  const names = await readdir(records);
  const all = await Promise.all(names.map(async (name) => JSON.parse(await readFile(join(records, name), "utf8"))));
  const [launch, ...others] = all.filter(({ kind }) => kind === "launch");
  expect(others).toEqual([]);
  return launch.key;
}

test("any single change changes the keys of the steps that depend on it, and no other", async () => {
  const kinds = ["copy", "text", "argument", "run"] as const;
  await withPlanner(async (keysOf) => {
    const property = fc.asyncProperty(contextModel(kinds), async (model) => {
      const directory = await createDirectory();
      await writeModel(join(directory, "context"), model, usual);
      const before = await keysOf(directory, model, usual);
      for (const change of changesOf(model)) {
        const elsewhere = change.circumstances?.elsewhere === true ? await createDirectory() : directory;
        const around = { ...usual, ...change.circumstances };
        await writeModel(join(elsewhere, "context"), change.model, around);
        const after = await keysOf(elsewhere, change.model, around);
        const changed = after.map((key, index) => key !== before[index]);
        expect([change.what, changed]).toEqual([change.what, concernedSteps(model, change)]);
      }
    });
    await fc.assert(property, { numRuns: 12 });
  });
});

test("the key of the launch changes with the rootfs, the environment and the commands, and with nothing else", async () => {
  const inputsOf = (model: ContextModel): string => JSON.stringify([treeOf(model), model.environment, model.launch]);
  const seen = { same: 0, other: 0 };
  await fc.assert(
    fc.asyncProperty(contextModel(["copy", "text", "argument"]), fc.infiniteStream(fc.nat()), async (any, picks) => {
      // What --chmod makes of directories that others have made, too, is no matter of keys.
      const model = { ...any, stages: any.stages.map((steps) => steps.map(withoutChmod)) };
      const keyOf = async (changed: ContextModel, circumstances: Circumstances): Promise<CacheKey> => {
        const directory = await createDirectory();
        await writeModel(join(directory, "context"), changed, circumstances);
        return launchKeyOf(directory, changed);
      };
      const before = await keyOf(model, usual);
      const changes = changesOf(model, { chmod: false }).filter(
        ({ circumstances = {} }) => !("container" in circumstances || "architecture" in circumstances),
      );
      for (const pick of picks.take(5)) {
        const { what, model: changed, circumstances } = changes[pick % changes.length] ?? expect.fail("no change");
        const isSame = inputsOf(changed) === inputsOf(model);
        seen[isSame ? "same" : "other"] += 1;
        const after = await keyOf(changed, { ...usual, ...circumstances });
        expect({ what, isSame: after === before }).toEqual({ what, isSame });
      }
    }),
    { numRuns: 6, endOnFailure: true },
  );
  // Both happen, or the test shows nothing.
  expect(Math.min(seen.same, seen.other)).toBeGreaterThan(0);
});

function withoutChmod<Step extends { readonly kind: string }>(step: Step): Step {
  const { chmod: _chmod, ...others } = step as Step & { chmod?: string };
  return others as Step;
}
