import { reconcile } from "../capture/reconcile.ts";
import { createPullRecorder } from "../capture/recorder.ts";
import { type StaticHits, scanRootfs } from "../capture/static-scan.ts";
import { connectEngine } from "../cluster/engine.ts";
import { KubefileError } from "../error.ts";
import { countOf } from "../image/text-table.ts";
import { lockedName } from "../lock/pins.ts";
import { tryParseReference } from "../oci/reference.ts";
import { type CachingProxy, createCachingProxy } from "../registry/caching-proxy.ts";
import { atLocation } from "../rootfs/problems.ts";
import type { RootfsWorkspace } from "../rootfs/workspace.ts";
import { type BuildParts, noteCapture, type RunParts, reportOf } from "./build-parts.ts";
import { chartRenderer, type RenderChart } from "./chart-rendering.ts";
import { prepareCluster } from "./cluster-boot.ts";
import { asKubefileError } from "./failure.ts";
import { inheritance, upstreamFor } from "./inheritance.ts";
import { keepFailure } from "./kept-failure.ts";
import type { Known } from "./known-results.ts";
import { createImageCompletion, type ImageCompletion } from "./prefetch.ts";
import { completedBy, rehearse } from "./rehearsal.ts";
import { findRehearsal } from "./rehearsal-records.ts";
import { type KnownRehearsal, keepRehearsal, useRehearsal } from "./rehearsal-use.ts";
import { type Rootfs, type RootfsWithFiles, rootfsWithFiles } from "./rootfs.ts";
import { together } from "./together.ts";

/**
 * The thorough way: a cluster boots while the rootfs is built, and the launch is rehearsed in it.
 *
 * @param known what records tell, as far as they do
 */
export async function captureInCluster(parts: RunParts, known: Known): Promise<Rootfs> {
  if (known.rootfs === undefined && !known.mayBoot) {
    // Whether the launch is known can be told when the steps are done, and they are the only work.
    await using rootfs = await rootfsWithFiles(parts, undefined, parts.host.signal);
    const rehearsal = await findRehearsal(parts, rootfs);
    if (rehearsal.record !== undefined) return useRehearsal(parts, rootfs, rehearsal);
    return await rehearseInCluster(parts, { rehearsal }, async () => rootfs);
  }
  return rehearseInCluster(parts, known, (signal) => rootfsWithFiles(parts, known.rootfs, signal));
}

async function rehearseInCluster(
  parts: RunParts,
  known: Pick<Known, "rehearsal">,
  getRootfs: (signal: AbortSignal) => Promise<RootfsWithFiles>,
): Promise<Rootfs> {
  const { host, options, plan, state, run, lock } = parts;
  const engine = parts.engine ?? (await connectEngine(host.engineEnvironment, host.signal));
  const recorder = createPullRecorder();
  const { proxy, completion, stop } = openCapture(parts);
  try {
    const [prepared, { rootfs, rehearsal, hits }] = await together(
      host.signal,
      (signal) =>
        prepareCluster(host, {
          ...{ engine, run, runImage: options.runImage },
          kubeVersion: plan.kubeVersion,
          nodeImage: options.nodeImage,
          lockedNodeImage: lockedName(lock.before, "node"),
          kindConfig: options.kindConfig,
          withoutDefaultNetwork: plan.bringsNetwork || !options.defaultCni,
          source: proxy,
          onPull: recorder.onEvent,
          signal,
        }).catch((error: unknown) => {
          throw aboutNodeImage(error) ? atLocation(error, plan.kubeVersionAt) : error;
        }),
      async (signal) => {
        const rootfs = await getRootfs(signal);
        const rehearsal = known.rehearsal ?? (await findRehearsal(parts, rootfs));
        if (rehearsal.record !== undefined) throw new RehearsalKnown(rootfs, rehearsal);
        const hits = await scan(parts, rootfs, completion, signal);
        return { rootfs, rehearsal, hits, [Symbol.asyncDispose]: () => rootfs[Symbol.asyncDispose]() };
      },
    );
    await using _files = rootfs;
    state.nodeImage = prepared.nodeImage;
    state.kubernetesVersion = prepared.cluster.kubernetesVersion;
    state.rehearsal = { state: "rehearsed", reason: rehearsal.reason };
    try {
      const rehearsed = await rehearse(host, {
        ...{ engine, prepared, options, recorder, completion },
        root: rootfs.workspace.root,
        launch: rootfs.launch,
        env: plan.env,
        hits,
        inherited: inheritance(plan),
        built: sourcesOf(parts),
      });
      noteCapture(parts, rehearsed, rehearsed.grade);
      keepRehearsal(parts, rehearsal, rehearsed);
      return rootfs;
    } catch (error) {
      const report = reportOf(parts, { failure: asKubefileError(error) });
      await keepFailure(host, prepared, { "report.json": `${JSON.stringify(report, undefined, 2)}\n` });
      throw error;
    } finally {
      await prepared[Symbol.asyncDispose]();
    }
  } catch (error) {
    if (!(error instanceof RehearsalKnown)) throw error;
    await error.rootfs[Symbol.asyncDispose]();
    return useRehearsal(parts, error.rootfs, error.place);
  } finally {
    await stop();
  }
}

/** Ends the boot of a cluster that turned out not to be needed. */
class RehearsalKnown extends Error {
  readonly rootfs: RootfsWithFiles;
  readonly place: KnownRehearsal;

  constructor(rootfs: RootfsWithFiles, place: KnownRehearsal) {
    super("the rehearsal is known");
    this.rootfs = rootfs;
    this.place = place;
  }
}

/** KUBEVERSION chose the image, or is none. */
function aboutNodeImage(error: unknown): boolean {
  return error instanceof KubefileError && ["KUBEFILE_INVALID", "NODE_IMAGE_MISSING"].includes(error.code);
}

/** The lesser way, for machines without an engine: only what typed manifests name, and what the user lists. */
export async function captureFromFiles(parts: RunParts, known: Known): Promise<Rootfs> {
  const { host, options, plan, state } = parts;
  const { completion, stop } = openCapture(parts);
  try {
    await using rootfs = await rootfsWithFiles(parts, known.rootfs, host.signal);
    const rehearsal = known.rehearsal ?? (await findRehearsal(parts, rootfs));
    if (rehearsal.record !== undefined) return useRehearsal(parts, rootfs, rehearsal);
    state.rehearsal = { state: "scanned", reason: rehearsal.reason };
    const hits = await scan(parts, rootfs, completion, host.signal);
    await host.progress.phase("static capture", async (phase) => {
      const captured = await reconcile({
        pulls: [],
        observations: [],
        startedContainers: [],
        typedHits: hits.typed,
        untypedHits: hits.untyped,
        include: options.include,
        exclude: options.exclude,
        inherited: inheritance(plan),
        built: sourcesOf(parts),
        baseline: { images: new Map(), mirrorPods: new Set(), nodeImages: new Set() },
        operators: new Map(),
        nodeNames: new Map(),
        complete: completedBy(completion),
        requireStatic: true,
      });
      const found = { ...captured, onlyRehearsal: [] };
      noteCapture(parts, found, "static");
      keepRehearsal(parts, rehearsal, { ...found, grade: "static" });
      phase.summary(
        `${countOf(captured.images.length, "image")} named in files; what pods, operators and jobs pull beyond them is missed`,
      );
    });
    return rootfs;
  } finally {
    await stop();
  }
}

/** What images of this run were built from, by full reference. */
function sourcesOf({ built }: BuildParts): ReadonlyMap<string, string> {
  return new Map(built.map(({ reference, from }) => [reference, from]));
}

/** The embedded proxy's content, and the way to bring whole images into the store. */
function openCapture(parts: RunParts): {
  proxy: CachingProxy;
  completion: ImageCompletion;
  stop: () => Promise<void>;
} {
  const { host, options, store } = parts;
  const stopping = new AbortController();
  const signal = AbortSignal.any([host.signal, stopping.signal]);
  const proxy = createCachingProxy({ store, upstream: upstreamFor(parts), signal });
  const completion = createImageCompletion({ proxy, platform: options.platform, signal });
  for (const name of options.include) {
    const reference = tryParseReference(name);
    if (reference !== undefined) host.trustRegistry(reference.host);
    completion.prefetch(name);
  }
  return {
    proxy,
    completion,
    async stop() {
      stopping.abort(new KubefileError("CANCELLED", "the capture has ended"));
      await completion.idle();
    },
  };
}

/** Finds names in files; images that typed manifests name are on their way into the store when this returns. */
async function scan(
  parts: RunParts,
  rootfs: RootfsWithFiles,
  completion: ImageCompletion,
  signal: AbortSignal,
): Promise<StaticHits> {
  const { host, options } = parts;
  const { workspace, launch } = rootfs;
  const renderChart = options.capture === "static" ? await staticChartRenderer(parts, workspace, signal) : undefined;
  const hits = await scanRootfs(workspace.root, {
    launch: launch.commands,
    ...(renderChart === undefined ? {} : { renderChart }),
    signal,
  });
  // What the launch applies in a moment, a node may use: images that need it are on their way before a pod asks.
  for (const secret of hits.pullSecrets) host.addPullSecret(secret);
  for (const { reference } of hits.typed) {
    const parsed = tryParseReference(reference);
    if (parsed !== undefined) host.trustRegistry(parsed.host);
    completion.prefetch(reference);
  }
  return hits;
}

/** A rehearsal sees what charts come to, whatever this machine has; without one, helm's rendering is the best guess. */
async function staticChartRenderer(
  { host }: BuildParts,
  workspace: RootfsWorkspace,
  signal: AbortSignal,
): Promise<RenderChart | undefined> {
  if (![...workspace.tree.keys()].some((path) => /(^|\/)Chart\.yaml$/.test(path))) return undefined;
  const renderChart = await chartRenderer(host.searchPath, signal);
  if (renderChart === undefined) {
    host.progress.note("warning", "helm is not on PATH, so images that only charts name are missed");
  }
  return renderChart;
}
