import type { CapturedImage, Grade, Reason, Suggestion } from "../capture/types.ts";
import type { KubefileError, Location } from "../error.ts";
import { formatPlatform, type Platform } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { type ClusterImage, totalSize } from "./cluster-image.ts";

/** One named part of a run. Phases overlap. */
export interface PhaseTiming {
  readonly name: string;
  /** Seconds after the run's start. */
  readonly start: number;
  readonly seconds: number;
}

/** What a build did and why: `--report`, schemas/report.schema.json. Unlike the artifact it differs between two runs. */
export interface BuildReport {
  readonly schemaVersion: 1;
  /** As the user named it. */
  readonly kubefile: string;
  readonly platform: string;
  readonly nodeImage?: string;
  readonly kubernetesVersion?: string;
  readonly grade: Grade;
  /** True when the launch was not cut off while rehearsed. */
  readonly needsNetwork: boolean;
  /** Absent when the build failed before there was one. */
  readonly digest?: Digest;
  /** Bytes of the whole cluster image, each blob once. */
  readonly size?: number;
  /** Names given to it. */
  readonly references: readonly string[];
  readonly transfer?: Transfer;
  /** In the order of the Kubefile; those that the build did not come to are absent. */
  readonly steps: readonly StepReport[];
  /** Absent when the build did not come to it. */
  readonly rehearsal?: RehearsalReport;
  /** Sorted by reference. */
  readonly images: readonly ReportedImage[];
  /** References that no scan of files would have found: only the rehearsal saw them. */
  readonly onlyRehearsal: readonly string[];
  /** Names in texts that nothing confirmed, and that are not in the cluster image. */
  readonly suggestions: readonly Suggestion[];
  readonly warnings: readonly string[];
  /** In order of start. */
  readonly phases: readonly PhaseTiming[];
  readonly failure?: {
    readonly code: string;
    readonly message: string;
    readonly hint?: string;
    /** The line to blame, when there is one. */
    readonly where?: Location;
  };
}

/** What became of one step. */
export interface StepReport {
  /** The instruction as written. */
  readonly shown: string;
  readonly where: Location;
  readonly state: "cached" | "built";
  /** The cache that knew its result. */
  readonly from?: string;
  /** Why it had to be executed. */
  readonly reason?: string;
}

/** How the capture came about. */
export interface RehearsalReport {
  /** `scanned`: files alone were read, as `--capture static` asks. */
  readonly state: "cached" | "rehearsed" | "scanned";
  /** The cache that knew its result. */
  readonly from?: string;
  /** Why it was not taken from a cache. */
  readonly reason?: string;
}

export interface ReportedImage {
  readonly reference: string;
  readonly digest: Digest;
  /** Bytes, with everything it consists of. */
  readonly size: number;
  readonly reasons: readonly Reason[];
}

/** What a push moved. */
export interface Transfer {
  readonly uploaded: Amount;
  readonly existing: Amount;
  readonly mounted: Amount;
}

interface Amount {
  readonly blobs: number;
  readonly bytes: number;
}

export interface ReportInput {
  readonly kubefile: string;
  readonly platform: Platform;
  readonly nodeImage?: string | undefined;
  readonly kubernetesVersion?: string | undefined;
  readonly grade: Grade;
  readonly needsNetwork: boolean;
  /** What was pushed, or else what was built. */
  readonly image?: ClusterImage | undefined;
  readonly references: readonly string[];
  readonly transfer?: Transfer | undefined;
  readonly steps: readonly StepReport[];
  readonly rehearsal?: RehearsalReport | undefined;
  readonly images: readonly CapturedImage[];
  /** References that stand in no file of the rootfs. */
  readonly onlyRehearsal: readonly string[];
  readonly suggestions: readonly Suggestion[];
  readonly warnings: readonly string[];
  readonly phases: readonly PhaseTiming[];
  readonly failure?: KubefileError | undefined;
}

export function buildReport(input: ReportInput): BuildReport {
  const { nodeImage, kubernetesVersion, image, transfer, rehearsal, failure } = input;
  const images = [...input.images].sort((left, right) => (left.reference < right.reference ? -1 : 1));
  return {
    schemaVersion: 1,
    kubefile: input.kubefile,
    platform: formatPlatform(input.platform),
    ...(nodeImage === undefined ? {} : { nodeImage }),
    ...(kubernetesVersion === undefined ? {} : { kubernetesVersion }),
    grade: input.grade,
    needsNetwork: input.needsNetwork,
    ...(image === undefined ? {} : { digest: image.digest, size: totalSize(image) }),
    references: input.references,
    ...(transfer === undefined ? {} : { transfer: transferOf(transfer) }),
    steps: input.steps,
    ...(rehearsal === undefined ? {} : { rehearsal }),
    images: images.map(({ reference, digest, size, reasons }) => ({ reference, digest, size, reasons })),
    onlyRehearsal: [...input.onlyRehearsal].sort(),
    suggestions: input.suggestions,
    warnings: input.warnings,
    phases: input.phases.map(({ name, start, seconds }) => ({ name, start: round(start), seconds: round(seconds) })),
    ...(failure === undefined ? {} : { failure: failureOf(failure) }),
  };
}

/** A push result holds more than what is reported. */
function transferOf({ uploaded, existing, mounted }: Transfer): Transfer {
  return { uploaded, existing, mounted };
}

function failureOf({ code, message, hint, where }: KubefileError): NonNullable<BuildReport["failure"]> {
  return { code, message, ...(hint === undefined ? {} : { hint }), ...(where === undefined ? {} : { where }) };
}

/** To milliseconds. */
function round(seconds: number): number {
  return Math.round(seconds * 1_000) / 1_000;
}
