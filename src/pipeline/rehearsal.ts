import { createCommandTimeline } from "../capture/command-times.ts";
import type { Inheritance } from "../capture/image-entries.ts";
import { attributeOperators } from "../capture/operators.ts";
import { type CompletedImage, type Reconciled, reconcile } from "../capture/reconcile.ts";
import type { PullRecorder } from "../capture/recorder.ts";
import type { StaticHits } from "../capture/static-scan.ts";
import type { Grade } from "../capture/types.ts";
import { startWorkloadWatcher } from "../capture/workload-watcher.ts";
import { cutEgress } from "../cluster/egress.ts";
import type { Engine } from "../cluster/engine.ts";
import { countOf } from "../image/text-table.ts";
import type { Launch } from "../image/types.ts";
import type { Digest } from "../oci/digest.ts";
import { parseReference, type Reference } from "../oci/reference.ts";
import type { PreparedCluster } from "./cluster-boot.ts";
import type { Host } from "./host.ts";
import { launchAndSettle } from "./launch-and-settle.ts";
import { copyRootfs } from "./launch-container.ts";
import type { BuildOptions } from "./options.ts";
import type { ImageCompletion } from "./prefetch.ts";
import { together } from "./together.ts";

export interface RehearsalOptions {
  readonly engine: Engine;
  readonly prepared: PreparedCluster;
  readonly options: BuildOptions;
  /** Absolute path of the rootfs. */
  readonly root: string;
  readonly launch: Launch;
  readonly env: Readonly<Record<string, string>>;
  readonly hits: StaticHits;
  /** What the base has captured. */
  readonly inherited: Inheritance | undefined;
  /** What images were built from in this run, by full reference. */
  readonly built: ReadonlyMap<string, string>;
  readonly recorder: PullRecorder;
  readonly completion: ImageCompletion;
}

export interface Rehearsed extends Reconciled {
  readonly grade: Grade;
}

/**
 * Runs the launch in the prepared cluster with the network cut, waits until it has settled, and closes the set of images
 * that it needed.
 */
export async function rehearse(host: Host, rehearsal: RehearsalOptions): Promise<Rehearsed> {
  const { engine, prepared, options, launch, recorder, completion } = rehearsal;
  const { cluster, container, proxy, baseline } = prepared;
  const timeline = createCommandTimeline(() => new Date());
  const watching = new AbortController();
  const watcher = startWorkloadWatcher(cluster.api, {
    signal: AbortSignal.any([host.signal, watching.signal]),
    baseline,
    // What a pod template names will be asked for in a moment, or never by a node: fetch it now in either case.
    onImage: ({ reference }) => {
      if (reference === undefined) return;
      host.trustRegistry(parseReference(reference).host);
      completion.prefetch(reference);
    },
    onPullSecret: host.addPullSecret,
  });
  try {
    const settled = await host.progress.phase("launch", async (phase) => {
      phase.update("cutting the network");
      await together(
        host.signal,
        (signal) => copyRootfs(container, rehearsal.root, signal),
        async (signal) => {
          if (!options.launchNetwork) await cutEgress({ engine, cluster, allow: proxy.endpoint, signal });
        },
      );
      return launchAndSettle(host, {
        ...{ cluster, container, watcher, recorder, timeline, phase },
        commands: launch.commands,
        env: rehearsal.env,
        wait: options.wait,
        quietWindow: options.quietWindow,
        timeout: options.timeout,
        networkCut: !options.launchNetwork,
      });
    });
    const reconciled = await host.progress.phase("reconcile", async (phase) => {
      const objects = watcher.objects();
      const operators = await attributeOperators(cluster.api, {
        objects,
        commandRunning: timeline.running,
        signal: host.signal,
      });
      const result = await reconcile({
        pulls: recorder.pulls(),
        observations: watcher.observations(),
        startedContainers: watcher.startedContainers(),
        typedHits: rehearsal.hits.typed,
        untypedHits: rehearsal.hits.untyped,
        include: options.include,
        exclude: options.exclude,
        inherited: rehearsal.inherited,
        built: rehearsal.built,
        baseline,
        operators,
        nodeNames: new Map(cluster.nodes.map(({ address, name }) => [address, name])),
        locate: ({ firstSeen }) => timeline.locate(firstSeen),
        complete: completedBy(completion),
        requireStatic: false,
      });
      phase.summary(countOf(result.images.length, "image"));
      return result;
    });
    return { ...reconciled, grade: settled };
  } finally {
    watching.abort();
    await watcher.done;
  }
}

/** What reconcile asks for, by the digest that nodes were given when there is one. */
export function completedBy(
  completion: ImageCompletion,
): (reference: Reference, pulled: Digest | undefined) => Promise<CompletedImage> {
  return async (reference, pulled) => {
    const wanted = pulled === undefined ? reference : { ...reference, digest: pulled };
    const { digest, mediaType, size, blobs, absent } = await completion.complete(wanted);
    return { digest, mediaType, size, identities: [...blobs, ...absent].map((blob) => blob.digest) };
  };
}
