import type { Engine } from "../cluster/engine.ts";
import { assembleClusterImage } from "../image/assemble.ts";
import type { BaseImage } from "../image/base-image.ts";
import { type ClusterImage, totalSize } from "../image/cluster-image.ts";
import { type BuildMetadata, buildMetadata } from "../image/metadata.ts";
import { exportOciLayout } from "../image/oci-layout.ts";
import type { BuildReport } from "../image/report.ts";
import { formatSize } from "../image/text-table.ts";
import type { Kubefile } from "../kubefile/instruction.ts";
import type { LockedImage } from "../lock/types.ts";
import { hostPlatform, isSamePlatform } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { formatReference, type Reference } from "../oci/reference.ts";
import { cacheUse } from "../plan/no-cache.ts";
import { OWN_NETWORK_LABEL } from "../plan/own-network.ts";
import { baseImagesOf, type Plan, planBuild } from "../plan/plan.ts";
import { grantedUpstream } from "../registry/granted-upstream.ts";
import { heldRepositories } from "../registry/held-images.ts";
import { heldUpstream } from "../registry/held-upstream.ts";
import { pinnedUpstream } from "../registry/pinned-upstream.ts";
import { loadIgnoreFile } from "../rootfs/load-ignore-file.ts";
import { openStore } from "../store/store.ts";
import { BlobLost, createBlobSupply } from "./blob-supply.ts";
import { openBuildCache } from "./build-cache.ts";
import { captureFromFiles, captureInCluster } from "./build-capture.ts";
import { engineForBuild } from "./build-engine.ts";
import { checkLock, lockFileOf, lockInContext, openBuildLock, pinnedImages, writeBuildLock } from "./build-lock.ts";
import { type BuildParts, type BuildState, newBuildState, reportOf } from "./build-parts.ts";
import { announceSecrets, unusedSecrets } from "./build-secrets.ts";
import { buildImages, unusedImages } from "./built-images.ts";
import { checkDisk, type DiskNeed, engineDisk } from "./disk-preflight.ts";
import { asKubefileError } from "./failure.ts";
import { fileSecrets } from "./file-secrets.ts";
import { createGitSources } from "./git-sources.ts";
import type { Host } from "./host.ts";
import { imageIdentities } from "./identities.ts";
import { createImageSources, describeBases } from "./image-sources.ts";
import { type Known, knownResults } from "./known-results.ts";
import { readKubefile } from "./kubefile-source.ts";
import { bringBlobs, bytesAway, forgetHere, nameHere } from "./local-image.ts";
import { capturedNames, lockOfBuild } from "./lock-of-build.ts";
import type { BuildOptions } from "./options.ts";
import { checkOutputFiles, writeJson } from "./output-files.ts";
import { type PushedImage, pushImage, pushTargets } from "./push.ts";
import { recordSaver } from "./record-saver.ts";
import { useRehearsal } from "./rehearsal-use.ts";
import type { Rootfs } from "./rootfs.ts";
import { withRun } from "./run-lifetime.ts";
import { noSiblings, type SiblingBuilds } from "./sibling-builds.ts";
import { stepInputs } from "./step-inputs.ts";
import { trailFile } from "./trail-file.ts";
import { trailNotes } from "./trail-notes.ts";
import { createWebSources } from "./web-sources.ts";

export interface BuildResult {
  readonly image: ClusterImage;
  readonly report: BuildReport;
  readonly metadata: BuildMetadata;
  /** By repository; nothing when nothing was pushed. */
  readonly pushed: readonly PushedImage[];
  /** What names have stood for. */
  readonly used: readonly LockedImage[];
}

export interface BuildWatcher {
  /** Told what is known of a build that fails, before its error is thrown. */
  readonly onFailure?: (report: BuildReport) => void;
}

/**
 * Builds a cluster image: checks, rootfs and cluster side by side, rehearsal, artifact, push.
 *
 * @throws KubefileError; nothing of the run is left behind, whatever the error. The report is written even then.
 */
export async function build(
  host: Host,
  options: BuildOptions,
  watcher: BuildWatcher = {},
  siblings: SiblingBuilds = noSiblings,
): Promise<BuildResult> {
  const state = newBuildState();
  try {
    const { context, file, fileShown: shown } = options;
    await checkOutputFiles(outputFiles(options));
    announceSecrets(host, options.secrets);
    const lock = await openBuildLock(options, siblings);
    const ignore = await loadIgnoreFile(context, lockInContext(options));
    const kubefile = await readKubefile({ file, shown, context, ignore, progress: host.progress });
    const store = await openStore(host.directories.store, { signal: host.signal });
    try {
      const granted = grantedUpstream(host.client);
      const built = await buildImages(host, options, store);
      const upstream = heldUpstream(
        pinnedUpstream(granted, lock.pins, lock.shown),
        store,
        heldRepositories(store, built),
      );
      const images = createImageSources({
        ...{ host, upstream, store, platform: options.platform, trust: options.cacheTrust },
        onResolved: noteBase(state),
      });
      const plan = await planFor(kubefile, { host, options, images });
      const web = createWebSources(host.client, store);
      const git = createGitSources(host.gitEnvironment, options.secrets);
      const pinned = { ...options, ...pinnedImages(options, lock) };
      const use = cacheUse(plan.stages, { noCache: options.noCache, filters: options.noCacheFilter });
      const cache = openBuildCache(host, options, store);
      const saver = recordSaver(cache, host.signal);
      const inputs = stepInputs({ context, ignore, images, web, git, signal: host.signal });
      const trails = trailFile(store, file, options.platform);
      const trail = trailNotes(await trails.read());
      const parts: BuildParts = {
        ...{
          host,
          options: pinned,
          state,
          plan,
          ignore,
          store,
          images,
          web,
          git,
          cache,
          use,
          trail,
          lock,
          built,
          upstream,
        },
        supply: createBlobSupply({ store, client: granted }),
        inputs,
        grant: granted.grant,
        fileSecrets: fileSecrets({ context, plan, inputs }),
        identities: imageIdentities({ host, options: pinned, plan, lock, upstream }),
        saveRecord: saver.save,
      };
      try {
        return await buildWith(parts);
      } finally {
        await trails.write(trail.trail());
        await saver.done();
        await cache.close();
      }
    } finally {
      await store.close();
    }
  } catch (error) {
    const report = reportOf({ host, options, state }, { failure: asKubefileError(error) });
    if (options.reportFile !== undefined) await writeJson(options.reportFile, report).catch(() => undefined);
    watcher.onFailure?.(report);
    throw error;
  }
}

/** What the Kubefile asks for, on the base images as they are now. */
async function planFor(
  kubefile: Kubefile,
  { host, options, images }: Pick<BuildParts, "host" | "options" | "images">,
): Promise<Plan> {
  const { buildArgs, baseRegistry, platform } = options;
  const planning = { buildArgs, baseRegistry, platform };
  const named = baseImagesOf(kubefile, planning);
  const bases =
    named.length === 0
      ? new Map<string, BaseImage>()
      : await host.progress.phase("base images", () => describeBases(images, named));
  const plan = planBuild(kubefile, { ...planning, bases });
  for (const name of plan.unusedBuildArgs) {
    host.progress.note("warning", `--build-arg ${name} is used by no ARG of ${options.fileShown}`);
  }
  for (const id of unusedSecrets(plan.stages, options.secrets)) {
    host.progress.note("warning", `the secret ${id} is used by no step of ${options.fileShown}`);
  }
  return plan;
}

/** Keeps what names of base images have stood for, each once. */
function noteBase(state: BuildState): (reference: Reference, digest: Digest) => void {
  return (reference, digest) => {
    state.bases = [...state.bases, { reference: formatReference(reference), digest, role: "base" }];
  };
}

/** With records alone when they tell all, and else with what a run needs. */
async function buildWith(parts: BuildParts): Promise<BuildResult> {
  const { host, options, supply } = parts;
  if (options.push) {
    for (const { host: name, path } of options.tags) {
      host.trustRegistry(name);
      supply.addDestination({ host: name, path });
    }
  }
  // Records would do without an engine; but what cannot be rehearsed here is told first of all.
  const isForeign = !isSamePlatform(options.platform, hostPlatform());
  if (options.capture === "cluster" && isForeign) await engineForBuild(host, options, parts.plan);
  const known = await knownResults(parts);
  try {
    if (known.rootfs === undefined || known.rehearsal?.record === undefined) return await buildInRun(parts, known);
    return await finish(parts, useRehearsal(parts, known.rootfs, known.rehearsal));
  } catch (error) {
    if (!(error instanceof BlobLost)) throw error;
    host.progress.note("warning", `${error.message}; the cluster image is built anew`);
    const use = { uses: () => false, usesRehearsal: false, reason: "a blob was lost" };
    return await buildInRun({ ...parts, use }, { mayBoot: true });
  }
}

async function buildInRun(parts: BuildParts, known: Known): Promise<BuildResult> {
  const { host, options, plan } = parts;
  const engine = await engineForBuild(host, options, plan);
  await checkDisk(await diskNeeds(host, engine, options.runImage));
  return await withRun(host, engine, options.keepCluster ? "always" : "never", async (run, releaseCluster) => {
    const capture = options.capture === "cluster" ? captureInCluster : captureFromFiles;
    const rootfs = await capture({ ...parts, engine, run }, known);
    return await finish(parts, rootfs, releaseCluster);
  });
}

/**
 * Holds the capture against the lock, and makes of it what was asked for.
 *
 * @param releaseCluster called when the cluster is no longer needed, if there is one
 */
async function finish(
  parts: BuildParts,
  rootfs: Rootfs,
  releaseCluster: () => void = () => undefined,
): Promise<BuildResult> {
  const { host, options, lock } = parts;
  warnOfUnused(parts);
  const locked = await lockOfBuild(parts);
  checkLock(lock, locked);
  releaseCluster();
  const result = await deliver(parts, rootfs);
  await writeBuildLock(lock, locked, { progress: host.progress, isAsked: options.lock === "write" });
  return result;
}

/** What was built for a launch that does not use it would be missed by nobody but its author. */
function warnOfUnused({ host, built, state }: BuildParts): void {
  for (const { reference, from } of unusedImages(built, state.images)) {
    host.progress.note(
      "warning",
      `${reference} was built from ${from}, but the launch does not use it: it is left out`,
    );
  }
}

/** Assembles, names, exports and pushes. */
async function deliver(parts: BuildParts, rootfs: Rootfs): Promise<BuildResult> {
  const { host, options, store, state, supply } = parts;
  // What a push alone would need stays where it is: the registry may have it, or can mount it.
  const needsAll = options.push === false || options.outputs.length > 0 || parts.lock.siblings.bringAll;
  const { image, isHere } = await host.progress.phase("assemble", async (phase) => {
    const assembled = await assembleImage(parts, rootfs);
    if (needsAll) await bringBlobs(parts, assembled, phase);
    const away = await bytesAway(store, assembled);
    if (away === 0) await nameHere(host, store, assembled, options);
    const size = formatSize(totalSize(assembled));
    phase.summary(`${assembled.digest}, ${size}${away === 0 ? "" : `, ${formatSize(away)} of it not here`}`);
    return { image: assembled, isHere: away === 0 };
  });
  for (const { destination } of options.outputs) {
    await host.progress.phase(`write ${destination}`, async (phase) => {
      const { size } = await exportOciLayout({
        ...{ store, image, destination },
        references: options.tags,
        signal: host.signal,
      });
      phase.summary(formatSize(size));
    });
  }
  const { base } = parts.plan;
  const mountFrom = [...supply.repositories(), ...(base === undefined ? [] : [base.reference])];
  const pushes =
    options.push === false
      ? []
      : await pushImage(host, store, image, pushTargets(options), { mountFrom, provider: supply });
  const pushed = pushes.at(-1);
  if (!isHere) {
    // The push may have had to fetch all of it.
    if ((await bytesAway(store, image)) === 0) await nameHere(host, store, image, options);
    else await forgetHere(host, store, options.tags);
  }
  const report = reportOf(parts, { image, pushed });
  const metadata = buildMetadata(pushed?.image ?? image, report.references, state.images);
  if (options.metadataFile !== undefined) await writeJson(options.metadataFile, metadata);
  if (options.reportFile !== undefined) await writeJson(options.reportFile, report);
  return {
    image: pushed?.image ?? image,
    report,
    metadata,
    pushed: pushes,
    used: [...capturedNames(parts), ...state.bases],
  };
}

async function assembleImage(parts: BuildParts, { layers, launch, apps }: Rootfs): Promise<ClusterImage> {
  const { host, options, plan, state, store, supply } = parts;
  const epoch = options.sourceDateEpoch;
  const { base } = plan;
  return await assembleClusterImage({
    store,
    layers,
    images: state.images,
    platform: options.platform,
    isElsewhere: supply.isElsewhere,
    annotations: {
      ...options.origin,
      others: options.annotations,
      ...(epoch === undefined ? {} : { created: new Date(epoch * 1000).toISOString().replace(".000Z", "Z") }),
      ...(base === undefined ? {} : { baseName: formatReference(base.reference), baseDigest: base.digest }),
    },
    config: {
      grade: state.grade,
      needsNetwork: options.launchNetwork,
      ...(plan.kubeVersion === undefined ? {} : { kubernetesVersion: plan.kubeVersion }),
      env: plan.env,
      labels: {
        ...plan.labels,
        ...options.labels,
        ...(options.defaultCni ? {} : { [OWN_NETWORK_LABEL]: "true" }),
      },
      ...(plan.maintainer === undefined ? {} : { maintainer: plan.maintainer }),
      apps,
      launch,
    },
    signal: host.signal,
  });
}

function outputFiles({ file, lock, outputs, metadataFile, reportFile }: BuildOptions): string[] {
  const lockFile = lock === "write" ? lockFileOf(file) : undefined;
  return [...outputs.map(({ destination }) => destination), metadataFile, reportFile, lockFile].filter(
    (file) => file !== undefined,
  );
}

const GIBIBYTE = 1024 ** 3;

/** What an ordinary build takes, known before anything is: images in the store, and once more in a node. */
async function diskNeeds(host: Host, engine: Engine | undefined, runImage: string): Promise<DiskNeed[]> {
  const store = { purpose: "the store", on: { directory: host.directories.store }, bytes: GIBIBYTE };
  const disk = engine === undefined ? undefined : await engineDisk(engine, runImage, host.signal);
  return disk === undefined ? [store] : [store, { purpose: "the cluster", on: disk, bytes: 2 * GIBIBYTE }];
}
