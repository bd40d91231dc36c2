import { createCommandTimeline } from "../capture/command-times.ts";
import { createPullRecorder } from "../capture/recorder.ts";
import { startWorkloadWatcher } from "../capture/workload-watcher.ts";
import { canaryHost } from "../cluster/canary-host.ts";
import { cutEgress } from "../cluster/egress.ts";
import { type EgressCanary, type EgressPlace, openEgressCanary, probeEgress } from "../cluster/egress-probe.ts";
import { connectEngine, type Engine } from "../cluster/engine.ts";
import type { Run } from "../cluster/run-state.ts";
import type { Cluster, CommandContainer } from "../cluster/types.ts";
import { type ErrorCode, KubefileError } from "../error.ts";
import type { PhaseTiming } from "../image/report.ts";
import type { Digest } from "../oci/digest.ts";
import type { Reference } from "../oci/reference.ts";
import { createWorkspace } from "../rootfs/workspace.ts";
import { openStore } from "../store/store.ts";
import type { Store } from "../store/types.ts";
import {
  type ArtifactCluster,
  bringsNetwork,
  prepareArtifactCluster,
  removeIdleImages,
  unpackRootfs,
} from "./artifact-cluster.ts";
import type { Host } from "./host.ts";
import { launchAndSettle } from "./launch-and-settle.ts";
import { copyRootfs } from "./launch-container.ts";
import { selectCommands } from "./launch-selection.ts";
import { withRun, workDirectory } from "./run-lifetime.ts";

export interface VerifyOptions {
  readonly reference: Reference;
  readonly nodeImage: string | undefined;
  readonly kindConfig: string | undefined;
  readonly runImage: string;
  readonly env: Readonly<Record<string, string>>;
  readonly apps: readonly string[];
  /** Milliseconds. */
  readonly quietWindow: number;
  /** Milliseconds. */
  readonly timeout: number;
}

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
export async function verify(host: Host, options: VerifyOptions): Promise<Verdict> {
  const engine = await connectEngine(host.engineEnvironment, host.signal);
  const store = await openStore(host.directories.store);
  const known: { digest: Digest | undefined; images: number; pods: number } = { digest: undefined, images: 0, pods: 0 };
  const verdict = (name: Verdict["verdict"], reasons: readonly string[]): Verdict => ({
    verdict: name,
    reasons,
    ...known,
    phases: host.progress.timings(),
  });
  host.trustRegistry(options.reference.host);
  try {
    await withRun(host, engine, "never", (run) => verifyIn(host, options, { engine, store, run, known }));
    return verdict("passed", []);
  } catch (error) {
    if (!(error instanceof KubefileError) || host.signal.aborted) throw error;
    if (error.code === "VERIFY_INVALID") return verdict("invalid", [reasonOf(error)]);
    if (failures.includes(error.code)) return verdict("failed", [reasonOf(error)]);
    throw error;
  } finally {
    await store.close();
  }
}

interface VerifyParts {
  readonly engine: Engine;
  readonly store: Store;
  readonly run: Run;
  readonly known: { digest: Digest | undefined; images: number; pods: number };
}

async function verifyIn(host: Host, options: VerifyOptions, parts: VerifyParts): Promise<void> {
  const { engine, store, run, known } = parts;
  const { signal } = host;
  const recorder = createPullRecorder();
  const prepared = await prepareArtifactCluster(host, {
    ...{ engine, run, store, reference: options.reference },
    runImage: options.runImage,
    nodeImage: options.nodeImage,
    kindConfig: options.kindConfig,
    onPull: recorder.onEvent,
  });
  const { cluster, container, image, baseline, source } = prepared;
  known.digest = image.digest;
  known.images = image.config.images.length;
  const watching = new AbortController();
  const watcher = startWorkloadWatcher(cluster.api, {
    signal: AbortSignal.any([signal, watching.signal]),
    baseline,
  });
  try {
    await using workspace = await createWorkspace(workDirectory(run));
    await unpackRootfs(image, store, workspace.root, signal);
    await removeIdleImages(engine, cluster, baseline, signal);
    await host.progress.phase("offline launch", async (phase) => {
      await copyRootfs(container, workspace.root, signal);
      phase.update("cutting the network, and proving that it is cut");
      await cutAndProve({ host, engine, cluster, container, prepared });
      const timeline = createCommandTimeline(() => new Date());
      await launchAndSettle(host, {
        ...{ cluster, container, watcher, recorder, timeline, phase },
        commands: selectCommands(image.config, options.apps),
        env: image.config.env,
        overrides: options.env,
        wait: image.config.grade === "pulled" ? "pulled" : "ready",
        quietWindow: options.quietWindow,
        timeout: options.timeout,
        networkCut: true,
      }).catch((error: unknown) => {
        throw withMissing(error, source.missing);
      });
    });
    known.pods = watcher.objects().filter(({ object, deleted }) => object.kind === "Pod" && !deleted).length;
  } finally {
    watching.abort();
    await watcher.done;
    await prepared[Symbol.asyncDispose]();
  }
}

/**
 * A cut that nothing was seen to cross proves nothing unless the same probe got through before it.
 *
 * @throws KubefileError VERIFY_INVALID
 */
async function cutAndProve(parts: {
  readonly host: Host;
  readonly engine: Engine;
  readonly cluster: Cluster;
  readonly container: CommandContainer;
  readonly prepared: ArtifactCluster;
}): Promise<void> {
  const { host, engine, cluster, container, prepared } = parts;
  const { signal } = host;
  const { address } = prepared.proxy.endpoint;
  const places: EgressPlace[] = bringsNetwork(prepared.image)
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
function withMissing(error: unknown, missing: readonly { repository: string; reference: string }[]): unknown {
  if (!(error instanceof KubefileError) || missing.length === 0 || error.code === "CANCELLED") return error;
  const names = [
    ...new Set(
      missing.map(
        ({ repository, reference }) => `${repository}${reference.startsWith("sha256:") ? "@" : ":"}${reference}`,
      ),
    ),
  ]
    .filter((name) => !name.startsWith(`${canaryHost}/`))
    .sort();
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
