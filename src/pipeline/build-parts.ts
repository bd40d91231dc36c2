import type { BuildCache } from "../cache/types.ts";
import type { PullSecret } from "../capture/pull-secret.ts";
import type { Reconciled } from "../capture/reconcile.ts";
import type { CapturedImage, Grade, Suggestion } from "../capture/types.ts";
import type { Engine } from "../cluster/engine.ts";
import type { Run } from "../cluster/run-state.ts";
import type { KubefileError } from "../error.ts";
import type { ClusterImage } from "../image/cluster-image.ts";
import type { PushResult } from "../image/push.ts";
import { type BuildReport, buildReport, type RehearsalReport, type StepReport } from "../image/report.ts";
import type { IgnoreRules } from "../kubefile/ignore-file.ts";
import type { LockedImage } from "../lock/types.ts";
import type { Digest } from "../oci/digest.ts";
import { formatReference } from "../oci/reference.ts";
import type { CacheUse } from "../plan/no-cache.ts";
import type { Plan } from "../plan/plan.ts";
import type { GrantedUpstream } from "../registry/granted-upstream.ts";
import type { Upstream } from "../registry/types.ts";
import type { Store } from "../store/types.ts";
import type { BlobSupply } from "./blob-supply.ts";
import type { BuildLock } from "./build-lock.ts";
import type { BuiltImage } from "./built-images.ts";
import type { GitSources } from "./git-sources.ts";
import type { Host } from "./host.ts";
import type { ImageIdentities } from "./identities.ts";
import type { ImageSources } from "./image-sources.ts";
import type { BuildOptions } from "./options.ts";
import type { RecordSaver } from "./record-saver.ts";
import type { StepInputs } from "./step-inputs.ts";
import type { TrailNotes } from "./trail-notes.ts";
import type { WebSources } from "./web-sources.ts";

/** What every part of a build works with. */
export interface BuildParts {
  readonly host: Host;
  readonly options: BuildOptions;
  readonly state: BuildState;
  readonly plan: Plan;
  /** What the context's ignore file leaves out. */
  readonly ignore: IgnoreRules;
  readonly store: Store;
  readonly images: ImageSources;
  readonly web: WebSources;
  readonly git: GitSources;
  readonly lock: BuildLock;
  /** Images that this run has built from Dockerfiles. */
  readonly built: readonly BuiltImage[];
  /** The registries, but that tags in the lock stand for its digests: for all that a build takes from them. */
  readonly upstream: Upstream;
  /** Gives the images of one repository credentials that are for no others. */
  readonly grant: GrantedUpstream["grant"];
  /** Pull secrets in files that steps copy from the context. */
  readonly fileSecrets: () => Promise<readonly PullSecret[]>;
  readonly cache: BuildCache;
  readonly use: CacheUse;
  /** Where blobs of records are. */
  readonly supply: BlobSupply;
  readonly inputs: StepInputs;
  readonly identities: ImageIdentities;
  /** Goes on beside the build. */
  readonly saveRecord: RecordSaver["save"];
  /** What this build was made from, and the last one, for telling what has changed. */
  readonly trail: TrailNotes;
}

/** The same, once the build is known to need more than records. */
export interface RunParts extends BuildParts {
  /** Absent when nothing of the build needs one. */
  readonly engine: Engine | undefined;
  readonly run: Run;
}

/** What is known of a build so far; the report of a failure is made from it, too. */
export interface BuildState {
  nodeImage: string | undefined;
  kubernetesVersion: string | undefined;
  /** What FROM and COPY --from took, with role `base`. */
  bases: readonly LockedImage[];
  grade: Grade;
  images: readonly CapturedImage[];
  suggestions: readonly Suggestion[];
  onlyRehearsal: readonly string[];
  readonly steps: StepReport[];
  rehearsal: RehearsalReport | undefined;
}

export function newBuildState(): BuildState {
  return {
    nodeImage: undefined,
    kubernetesVersion: undefined,
    bases: [],
    grade: "static",
    images: [],
    suggestions: [],
    onlyRehearsal: [],
    steps: [],
    rehearsal: undefined,
  };
}

/** Takes a capture's result into the state; what it warns of is told at once. */
export function noteCapture(
  { host, state }: Pick<BuildParts, "host" | "state">,
  captured: Omit<Reconciled, "excluded"> & { readonly excluded?: readonly string[] },
  grade: Grade,
): void {
  state.grade = grade;
  state.images = captured.images;
  state.suggestions = captured.suggestions;
  state.onlyRehearsal = captured.onlyRehearsal;
  for (const warning of captured.warnings) host.progress.note("warning", warning);
  for (const reference of captured.excluded ?? [])
    host.progress.note("info", `${reference} is left out, as --exclude says`);
}

export function reportOf(
  { host, options, state }: Pick<BuildParts, "host" | "options" | "state">,
  outcome: {
    readonly image?: ClusterImage;
    readonly pushed?: PushResult | undefined;
    readonly failure?: KubefileError;
  },
): BuildReport {
  const { image, pushed, failure } = outcome;
  return buildReport({
    kubefile: options.fileShown,
    platform: options.platform,
    nodeImage: state.nodeImage,
    kubernetesVersion: state.kubernetesVersion,
    grade: state.grade,
    needsNetwork: options.launchNetwork,
    image: pushed?.image ?? image,
    references: namesOf(options, (pushed?.image ?? image)?.digest),
    transfer: pushed,
    images: state.images,
    onlyRehearsal: state.onlyRehearsal,
    steps: state.steps,
    rehearsal: state.rehearsal,
    suggestions: state.suggestions,
    warnings: host.progress.warnings(),
    phases: host.progress.timings(),
    failure,
  });
}

/** Where no tag was moved, a name is good with the digest alone. */
function namesOf({ tags, push }: BuildOptions, digest: Digest | undefined): string[] {
  if (push !== "by digest" || digest === undefined) return tags.map(formatReference);
  return [...new Set(tags.map(({ host, path }) => formatReference({ host, path, digest })))];
}
