import { connectEngine } from "../cluster/engine.ts";
import { readKubeconfig } from "../cluster/kubeconfig.ts";
import { forwardPort, type PortForward } from "../cluster/port-forward.ts";
import type { Run } from "../cluster/run-state.ts";
import type { KubefileError } from "../error.ts";
import type { Platform } from "../oci/descriptor.ts";
import { formatReference, type Reference } from "../oci/reference.ts";
import { openStore } from "../store/store.ts";
import type { ArtifactCluster, ArtifactPlace } from "./artifact-cluster.ts";
import { type ArtifactLaunch, launchArtifact } from "./artifact-launch.ts";
import { build } from "./build.ts";
import { type ClusterRecord, recordCluster } from "./cluster-record.ts";
import { asKubefileError } from "./failure.ts";
import { type ForwardTarget, locateTarget } from "./forward-target.ts";
import type { Host } from "./host.ts";
import { failureFile, keepFailure } from "./kept-failure.ts";
import { hostOfRun, type LastingOptions, leavePreview, makeRoom } from "./lasting-preview.ts";
import { withMissing } from "./missing-images.ts";
import { cutAndProve } from "./network-cut.ts";
import type { BuildOptions } from "./options.ts";
import { type PreviewTest, runTest, type TestResult, testFailure } from "./preview-test.ts";
import {
  type LastingPreview,
  type PreviewedImage,
  type PreviewPart,
  type PreviewVerdict,
  previewedImage,
  previewFailure,
  verdictOn,
  withTexts,
} from "./preview-verdict.ts";
import { withRun, workDirectory } from "./run-lifetime.ts";

export interface PreviewOptions {
  readonly subject:
    | { readonly kind: "context"; readonly build: BuildOptions }
    | { readonly kind: "image"; readonly reference: Reference; readonly platform: Platform | undefined };
  readonly launch: Omit<ArtifactLaunch, "artifact">;
  readonly forwards: readonly PreviewForward[];
  readonly test: PreviewTest | undefined;
  /** Undefined when the cluster goes as soon as the test has ended. */
  readonly lasting: LastingOptions | undefined;
}

/** A port of the cluster, and the variable that tells the test where it is. */
export interface PreviewForward {
  readonly variable: string;
  readonly target: ForwardTarget;
}

/** As the schema of verdicts says. */
const LONGEST_TEXT = 100_000;

/** What is known so far; a verdict is made of it whenever it ends. */
interface Progress {
  part: PreviewPart;
  /** How many phases had begun when each part did. */
  readonly begun: Map<PreviewPart, number>;
  image?: PreviewedImage;
  record: ClusterRecord;
  test?: TestResult;
  lasting?: LastingPreview;
}

/** A verdict, and the error that it tells of. */
export interface PreviewResult {
  readonly verdict: PreviewVerdict;
  readonly failure: KubefileError | undefined;
}

/**
 * Builds a cluster image, launches it in a cluster of its own with the network cut, images from the artifact alone, and
 * runs a test against it. What fails on the way is told in the verdict.
 *
 * @throws KubefileError CANCELLED only
 */
export async function preview(host: Host, options: PreviewOptions): Promise<PreviewResult> {
  const progress: Progress = { part: "build", begun: new Map(), record: { pods: [], events: [], logs: [] } };
  let failure: KubefileError | undefined;
  try {
    begin(host, progress, "build");
    const artifact = await artifactOf(host, options, progress);
    begin(host, progress, "launch");
    await launchAndTest(host, { ...options.launch, artifact }, options, progress);
    failure = progress.test === undefined ? undefined : testFailure(progress.test);
  } catch (error) {
    host.signal.throwIfAborted();
    failure = asKubefileError(error);
    if (failure.code === "CANCELLED") throw failure;
  }
  return {
    verdict: withTexts(verdictOf(host, progress, failure), (text) => host.redact(text).slice(0, LONGEST_TEXT)),
    failure,
  };
}

function begin(host: Host, progress: Progress, part: PreviewPart): void {
  progress.part = part;
  progress.begun.set(part, host.progress.timings().length);
}

async function artifactOf(host: Host, { subject }: PreviewOptions, progress: Progress): Promise<ArtifactPlace> {
  if (subject.kind === "image") return { ...subject, kind: "registry" };
  const { image, report } = await build(host, subject.build);
  const pushed = subject.build.push ? subject.build.tags : [];
  progress.image = previewedImage(image, pushed.length > 0 ? report.references : []);
  const [reference] = pushed;
  // A build that pushes may have left at the registry what is there already.
  return reference === undefined
    ? { kind: "store", digest: image.digest }
    : { kind: "registry", reference: { ...reference, digest: image.digest } };
}

async function launchAndTest(
  maker: Host,
  launch: ArtifactLaunch,
  options: PreviewOptions,
  progress: Progress,
): Promise<void> {
  const { lasting } = options;
  const host = lasting === undefined ? maker : hostOfRun(maker, lasting.runId);
  const engine = await connectEngine(host.engineEnvironment, host.signal);
  if (lasting !== undefined) await makeRoom(host, engine, lasting);
  const store = await openStore(host.directories.store);
  const { artifact } = launch;
  if (artifact.kind === "registry") host.trustRegistry(artifact.reference.host);
  const known: { prepared?: ArtifactCluster } = {};
  try {
    const work = async (run: Run): Promise<void> => {
      const { prepared } = await launchArtifact(host, {
        ...{ engine, run, store, launch },
        phase: "offline launch",
        networkCut: true,
        onPrepared: (prepared) => {
          known.prepared = prepared;
          const names = artifact.kind === "registry" ? [formatReference(artifact.reference)] : [];
          progress.image ??= previewedImage(prepared.image, names);
        },
        beforeLaunch: async (prepared, phase) => {
          phase.update("cutting the network, and proving that it is cut");
          await cutAndProve({ host, engine, prepared });
        },
        whileUp: async (prepared) => {
          begin(host, progress, "test");
          if (options.test === undefined) return;
          progress.test = await testIn(host, run, prepared, options.test, options);
          const failure = testFailure(progress.test);
          if (failure !== undefined) await keepFailure(host, prepared, failureFile(failure));
        },
        beforeEnd: async ({ cluster, baseline }) => {
          if (!host.signal.aborted) progress.record = await recordCluster(cluster.api, baseline);
        },
      });
      if (lasting === undefined) return;
      const failure = progress.test === undefined ? undefined : testFailure(progress.test);
      // What has failed makes room for the next try.
      if (failure !== undefined) throw failure;
      const targets = options.forwards.map(({ target }) => target);
      progress.lasting = await leavePreview(host, engine, { run, prepared, store: store.directory, targets, lasting });
    };
    await withRun(host, engine, lasting === undefined ? "never" : "on success", work, lasting);
  } catch (error) {
    throw withMissing(asKubefileError(error), known.prepared?.source.missing ?? []);
  } finally {
    await store.close();
  }
}

async function testIn(
  host: Host,
  run: Run,
  { cluster }: ArtifactCluster,
  test: PreviewTest,
  { forwards }: PreviewOptions,
): Promise<TestResult> {
  const access = await readKubeconfig(cluster.kubeconfig);
  const open: PortForward[] = [];
  const addresses: Record<string, string> = {};
  try {
    for (const { variable, target } of forwards) {
      // Asked once before the test: a name that leads nowhere is the user's to mend, not the test's to stumble over.
      await locateTarget(cluster.api, target, host.signal);
      const forward = await forwardPort({
        access,
        listen: { address: "127.0.0.1", port: 0 },
        locate: (signal) => locateTarget(cluster.api, target, signal),
        signal: host.signal,
        onProblem: (message) => host.progress.note("warning", `${target.shown}: ${message}`),
      });
      open.push(forward);
      addresses[variable] = `http://127.0.0.1:${forward.port}`;
    }
    return await runTest(host, { test, addresses, kubeconfig: cluster.kubeconfig, directory: workDirectory(run) });
  } finally {
    await Promise.all(open.map((forward) => forward.close()));
  }
}

function verdictOf(host: Host, progress: Progress, failure: KubefileError | undefined): PreviewVerdict {
  const { image, test, record, begun, lasting } = progress;
  const partAt = (position: number): PreviewPart =>
    [...begun].findLast(([, first]) => position >= first)?.[0] ?? "build";
  return {
    schemaVersion: 1,
    verdict: verdictOn(failure),
    ...(failure === undefined ? {} : { failure: previewFailure(failure, progress.part) }),
    ...(image === undefined ? {} : { image }),
    ...(test === undefined ? {} : { test }),
    // Of one that was to stay and failed at the very end nothing is left.
    ...(lasting === undefined || failure !== undefined ? {} : { lasting }),
    ...record,
    phases: host.progress.timings().map((timing, position) => ({ ...timing, part: partAt(position) })),
  };
}
