import { connectEngine } from "../cluster/engine.ts";
import { type ErrorCode, KubefileError } from "../error.ts";
import type { PhaseTiming } from "../image/report.ts";
import type { Digest } from "../oci/digest.ts";
import { openStore } from "../store/store.ts";
import type { ArtifactCluster } from "./artifact-cluster.ts";
import { type ArtifactLaunch, launchArtifact } from "./artifact-launch.ts";
import type { Host } from "./host.ts";
import { missingNote, withMissing } from "./missing-images.ts";
import { cutAndProve } from "./network-cut.ts";
import { withRun } from "./run-lifetime.ts";

/**
 * `passed`: it started with the network cut. `failed`: it did not, and the reasons say why. `invalid`: the cut could not
 * be shown to be one, so that nothing was proven.
 */
export interface Verdict {
  readonly verdict: "passed" | "failed" | "invalid";
  readonly reasons: readonly string[];
  readonly digest: Digest | undefined;
  readonly images: number;
  readonly pods: number;
  readonly phases: readonly PhaseTiming[];
}

/** What is wrong with the artifact or its launch; everything else is wrong with the machine, and no verdict. */
const failures: readonly ErrorCode[] = [
  "LAUNCH_FAILED",
  "NOT_SETTLED",
  "PULL_FAILED",
  "CAPTURE_INCOMPLETE",
  "ARTIFACT_INVALID",
  "UNSAFE_ARCHIVE",
  "VERIFY_FAILED",
];

/** Launches a cluster image in a cluster of its own, images from the artifact alone, with the network cut. */
export async function verify(host: Host, launch: ArtifactLaunch): Promise<Verdict> {
  const engine = await connectEngine(host.engineEnvironment, host.signal);
  const store = await openStore(host.directories.store, { signal: host.signal });
  if (launch.artifact.kind === "registry") host.trustRegistry(launch.artifact.reference.host);
  const known: { prepared?: ArtifactCluster; pods: number } = { pods: 0 };
  const verdict = (name: Verdict["verdict"], reasons: readonly string[]): Verdict => ({
    verdict: name,
    reasons,
    digest: known.prepared?.image.digest,
    images: known.prepared?.image.config.images.length ?? 0,
    pods: known.pods,
    phases: host.progress.timings(),
  });
  try {
    await withRun(host, engine, "never", async (run) => {
      const { pods } = await launchArtifact(host, {
        ...{ engine, run, store, launch },
        phase: "offline launch",
        networkCut: true,
        onPrepared: (prepared) => {
          known.prepared = prepared;
        },
        beforeLaunch: async (prepared, phase) => {
          phase.update("cutting the network, and proving that it is cut");
          await cutAndProve({ host, engine, prepared });
        },
      });
      known.pods = pods;
    });
    const note = missingNote(known.prepared?.source.missing ?? []);
    if (note !== undefined) host.progress.note("warning", note);
    return verdict("passed", []);
  } catch (error) {
    if (!(error instanceof KubefileError) || host.signal.aborted) throw error;
    if (error.code === "VERIFY_INVALID") return verdict("invalid", [reasonOf(error)]);
    if (!failures.includes(error.code)) throw error;
    const isOpen = known.prepared?.image.config.needsNetwork === true;
    const reason = reasonOf(withMissing(error, known.prepared?.source.missing ?? []));
    return verdict("failed", isOpen ? [reason, needsNetwork] : [reason]);
  } finally {
    await store.close();
  }
}

const needsNetwork = "it was built with --launch-network, and its config says that it needs a network";

function reasonOf(error: KubefileError): string {
  const where = error.where === undefined ? "" : `${error.where.file}:${error.where.line}: `;
  return `${where}${error.message}${error.hint === undefined ? "" : `\nhint: ${error.hint}`}`;
}
