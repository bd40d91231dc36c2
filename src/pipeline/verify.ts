import { cutEgress } from "../cluster/egress.ts";
import { type EgressCanary, type EgressPlace, openEgressCanary, probeEgress } from "../cluster/egress-probe.ts";
import { connectEngine, type Engine } from "../cluster/engine.ts";
import { type ErrorCode, KubefileError } from "../error.ts";
import type { PhaseTiming } from "../image/report.ts";
import type { Digest } from "../oci/digest.ts";
import { bringsNetwork } from "../plan/own-network.ts";
import { openStore } from "../store/store.ts";
import type { ArtifactCluster } from "./artifact-cluster.ts";
import { type ArtifactLaunch, launchArtifact } from "./artifact-launch.ts";
import type { Host } from "./host.ts";
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
  const store = await openStore(host.directories.store);
  host.trustRegistry(launch.reference.host);
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

/**
 * A cut that nothing was seen to cross proves nothing unless the same probe got through before it.
 *
 * @throws KubefileError VERIFY_INVALID
 */
async function cutAndProve(parts: {
  readonly host: Host;
  readonly engine: Engine;
  readonly prepared: ArtifactCluster;
}): Promise<void> {
  const { host, engine, prepared } = parts;
  const { cluster, container } = prepared;
  const { signal } = host;
  const { address } = prepared.proxy.endpoint;
  const places: EgressPlace[] = bringsNetwork(prepared.image.config.labels)
    ? ["node", "host-network pod", "launch container"]
    : ["node", "pod", "host-network pod", "launch container"];
  const canary = await openEgressCanary({ engine, cluster, address });
  const probe = (dnsName: string): ReturnType<typeof probeEgress> =>
    probeEgress({
      ...{ engine, cluster, places, signal, launchContainer: container },
      canary: { address: canary.address, port: canary.port, dnsName },
    });
  try {
    const [firstName, secondName]: EgressCanary["dnsNames"] = canary.dnsNames;
    const before = await probe(firstName);
    const unheard = [...before].filter(([, { tcp, dns }]) => !tcp || !dns).map(([place]) => place);
    if (unheard.length > 0) {
      throw new KubefileError(
        "VERIFY_INVALID",
        `the canary on the host does not answer from ${unheard.join(", ")} before the cut, so silence after it would prove nothing`,
        { hint: "a firewall between the cluster's network and the host, or its DNS, is in the way" },
      );
    }
    await cutEgress({ engine, cluster, allow: prepared.proxy.endpoint, signal });
    const after = await probe(secondName);
    const heard = [...after].filter(([, { tcp, dns }]) => tcp || dns).map(([place]) => place);
    if (heard.length > 0) {
      throw new KubefileError(
        "VERIFY_INVALID",
        `the canary on the host still answers from ${heard.join(", ")} after the cut`,
        {
          hint: "the node's kernel lets packets past the filter: please report it with `uname -r`",
        },
      );
    }
  } finally {
    await canary.close();
  }
}

/** A launch that fails over an image is told which one the artifact lacks. */
function withMissing(
  error: KubefileError,
  missing: readonly { repository: string; reference: string }[],
): KubefileError {
  const names = [
    ...new Set(
      missing.map(
        ({ repository, reference }) => `${repository}${reference.startsWith("sha256:") ? "@" : ":"}${reference}`,
      ),
    ),
  ].sort();
  if (names.length === 0) return error;
  return new KubefileError("VERIFY_FAILED", `the artifact lacks ${names.join(", ")}\n${error.message}`, {
    hint: "build it again; an image that only runs now and then is captured with --include",
    ...(error.where === undefined ? {} : { where: error.where }),
    cause: error,
  });
}

function reasonOf(error: KubefileError): string {
  const where = error.where === undefined ? "" : `${error.where.file}:${error.where.line}: `;
  return `${where}${error.message}${error.hint === undefined ? "" : `\nhint: ${error.hint}`}`;
}
