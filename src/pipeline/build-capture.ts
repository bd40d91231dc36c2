import { join } from "node:path";
import type { Inheritance } from "../capture/image-entries.ts";
import { reconcile } from "../capture/reconcile.ts";
import { createPullRecorder } from "../capture/recorder.ts";
import { scanRootfs } from "../capture/static-scan.ts";
import { connectEngine } from "../cluster/engine.ts";
import { KubefileError } from "../error.ts";
import { countOf } from "../image/text-table.ts";
import { lockedName } from "../lock/pins.ts";
import { hostPlatform } from "../oci/descriptor.ts";
import { formatReference, parseReference, tryParseReference } from "../oci/reference.ts";
import { resolveLaunch } from "../plan/launch.ts";
import type { Plan } from "../plan/plan.ts";
import { type CachingProxy, createCachingProxy } from "../registry/caching-proxy.ts";
import { inheritedUpstream } from "../registry/inherited-upstream.ts";
import type { Upstream } from "../registry/types.ts";
import { atLocation } from "../rootfs/problems.ts";
import type { RootfsWorkspace } from "../rootfs/workspace.ts";
import type { Store } from "../store/types.ts";
import { type BuildParts, type BuiltRootfs, noteCapture, reportOf } from "./build-parts.ts";
import { chartRenderer, type RenderChart } from "./chart-rendering.ts";
import { type PreparedCluster, prepareCluster } from "./cluster-boot.ts";
import { asKubefileError } from "./failure.ts";
import { writeFailureBundle } from "./failure-bundle.ts";
import type { Host } from "./host.ts";
import { createImageCompletion, type ImageCompletion } from "./prefetch.ts";
import { completedBy, rehearse } from "./rehearsal.ts";
import { appContents, buildRootfs } from "./rootfs-build.ts";
import { workDirectory } from "./run-lifetime.ts";
import { together } from "./together.ts";
import { createWebSources } from "./web-sources.ts";

/** The thorough way: a cluster boots while the rootfs is built, and the launch is rehearsed in it. */
export async function captureInCluster(parts: BuildParts, workspace: RootfsWorkspace): Promise<BuiltRootfs> {
  const { host, options, plan, state, run, lock } = parts;
  const engine = parts.engine ?? (await connectEngine(host.engineEnvironment, host.signal));
  const recorder = createPullRecorder();
  const { proxy, completion, stop } = openCapture(parts);
  try {
    const [prepared, rootfs] = await together(
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
      (signal) => buildRootfsWithHits(parts, workspace, completion, signal),
    );
    state.nodeImage = prepared.nodeImage;
    state.kubernetesVersion = prepared.cluster.kubernetesVersion;
    try {
      const rehearsed = await rehearse(host, {
        ...{ engine, prepared, options, recorder, completion },
        root: workspace.root,
        launch: rootfs.launch,
        env: plan.env,
        hits: rootfs.hits,
        inherited: inheritance(plan),
      });
      noteCapture(parts, rehearsed, rehearsed.grade);
      return rootfs;
    } catch (error) {
      await keepBundle(parts, prepared, error);
      throw error;
    } finally {
      await prepared[Symbol.asyncDispose]();
    }
  } finally {
    await stop();
  }
}

/** KUBEVERSION chose the image, or is none. */
function aboutNodeImage(error: unknown): boolean {
  return error instanceof KubefileError && ["KUBEFILE_INVALID", "NODE_IMAGE_MISSING"].includes(error.code);
}

/** The lesser way, for machines without an engine: only what typed manifests name, and what the user lists. */
export async function captureFromFiles(parts: BuildParts, workspace: RootfsWorkspace): Promise<BuiltRootfs> {
  const { host, options, plan } = parts;
  const { completion, stop } = openCapture(parts);
  try {
    const rootfs = await buildRootfsWithHits(parts, workspace, completion, host.signal);
    await host.progress.phase("static capture", async (phase) => {
      const captured = await reconcile({
        pulls: [],
        observations: [],
        startedContainers: [],
        typedHits: rootfs.hits.typed,
        untypedHits: rootfs.hits.untyped,
        include: options.include,
        exclude: options.exclude,
        inherited: inheritance(plan),
        baseline: { images: new Map(), mirrorPods: new Set(), nodeImages: new Set() },
        operators: new Map(),
        nodeNames: new Map(),
        complete: completedBy(completion),
        requireStatic: true,
      });
      noteCapture(parts, { ...captured, onlyRehearsal: [] }, "static");
      phase.summary(
        `${countOf(captured.images.length, "image")} named in files; what pods, operators and jobs pull beyond them is missed`,
      );
    });
    return rootfs;
  } finally {
    await stop();
  }
}

/** The embedded proxy's content, and the way to bring whole images into the store. */
function openCapture({ host, options, store, plan, upstream }: BuildParts): {
  proxy: CachingProxy;
  completion: ImageCompletion;
  stop: () => Promise<void>;
} {
  const stopping = new AbortController();
  const signal = AbortSignal.any([host.signal, stopping.signal]);
  const proxy = createCachingProxy({ store, upstream: upstreamFor(upstream, host, store, plan), signal });
  const completion = createImageCompletion({ proxy, platform: hostPlatform(), signal });
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

/** The registries; what a base cluster image has captured stays what it was then. */
function upstreamFor(upstream: Upstream, host: Host, store: Store, { base }: Plan): Upstream {
  if (base === undefined || base.images.length === 0) return upstream;
  for (const { reference } of base.images) host.trustRegistry(parseReference(reference).host);
  return inheritedUpstream(upstream, { store, images: base.images, origin: base.reference });
}

function inheritance({ base }: Plan): Inheritance | undefined {
  if (base === undefined || base.images.length === 0) return undefined;
  return { from: formatReference(base.reference), references: base.images.map(({ reference }) => reference) };
}

/** Executes the steps; images that typed manifests name are on their way into the store when this returns. */
async function buildRootfsWithHits(
  parts: BuildParts,
  workspace: RootfsWorkspace,
  completion: ImageCompletion,
  signal: AbortSignal,
): Promise<BuiltRootfs> {
  const { host, options, plan, store, run } = parts;
  return host.progress.phase("rootfs", async (phase) => {
    const layers = await buildRootfs({
      plan,
      workspace,
      store,
      context: options.context,
      ignore: parts.ignore,
      images: parts.images,
      web: createWebSources(host.client, store),
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
      phase,
      signal,
    });
    const { launch, apps } = resolveLaunch(plan, appContents(plan.apps, workspace));
    const renderChart = options.capture === "static" ? await staticChartRenderer(parts, workspace, signal) : undefined;
    const hits = await scanRootfs(workspace.root, {
      launch: launch.commands,
      ...(renderChart === undefined ? {} : { renderChart }),
      signal,
    });
    for (const { reference } of hits.typed) {
      const parsed = tryParseReference(reference);
      if (parsed !== undefined) host.trustRegistry(parsed.host);
      completion.prefetch(reference);
    }
    phase.summary(`${countOf(layers.length, "layer")}, ${countOf(hits.typed.length, "image")} named in files`);
    return { layers, launch, apps, hits };
  });
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

async function keepBundle(parts: BuildParts, prepared: PreparedCluster, error: unknown): Promise<void> {
  const { host } = parts;
  if (host.signal.aborted) return;
  const directory = await writeFailureBundle({
    directory: join(host.directories.failures, host.runId),
    cluster: prepared.cluster,
    pulls: prepared.proxy.events,
    files: {
      "report.json": `${JSON.stringify(reportOf(parts, { failure: asKubefileError(error) }), undefined, 2)}\n`,
      "hosts.toml": prepared.proxy.hostsToml,
    },
    redact: host.redact,
  });
  if (directory !== undefined) host.progress.note("info", `events, logs and objects are kept in ${directory}`);
}
