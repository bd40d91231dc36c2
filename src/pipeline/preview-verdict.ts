import type { Grade } from "../capture/types.ts";
import { type ErrorCode, formatLocation, type KubefileError } from "../error.ts";
import { type ClusterImage, totalSize } from "../image/cluster-image.ts";
import type { PhaseTiming } from "../image/report.ts";
import type { Digest } from "../oci/digest.ts";
import type { ClusterRecord } from "./cluster-record.ts";
import type { TestResult } from "./preview-test.ts";

/** What came of a preview: `--verdict`, schemas/preview.schema.json. Secrets have been taken out of all its texts. */
export interface PreviewVerdict extends ClusterRecord {
  readonly schemaVersion: 1;
  /**
   * `passed`: it started with the network cut, and the test, when there is one, succeeded. `failed`: something that
   * was to be previewed did not do. `invalid`: the machine or a registry did not do, so that nothing is known.
   */
  readonly verdict: "passed" | "failed" | "invalid";
  readonly failure?: PreviewFailure;
  readonly image?: PreviewedImage;
  readonly test?: TestResult;
  /** Absent unless the cluster stays. */
  readonly lasting?: LastingPreview;
  readonly phases: readonly PreviewPhase[];
}

export type PreviewPart = "build" | "launch" | "test";

export interface PreviewFailure {
  readonly part: PreviewPart;
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  /** `Kubefile:12:6`. */
  readonly where?: string;
}

export interface PreviewedImage {
  readonly digest: Digest;
  /** Bytes of the whole cluster image, each blob once. */
  readonly size: number;
  readonly grade: Grade;
  /** How many images it holds. */
  readonly images: number;
  /** Names that it has at registries. */
  readonly references: readonly string[];
}

export interface LastingPreview {
  readonly name: string;
  /** RFC 3339. */
  readonly expires: string;
  readonly addresses: readonly { readonly target: string; readonly url: string }[];
}

export interface PreviewPhase extends PhaseTiming {
  readonly part: PreviewPart;
}

/** Of these it is known that they are not the machine's fault. */
const ownFaults: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...(["USAGE", "KUBEFILE_INVALID", "PROJECT_FILE_INVALID", "REFERENCE_INVALID", "DIGEST_INVALID"] as const),
  ...(["SOURCE_MISSING", "PATH_ESCAPES", "UNSUPPORTED", "RUN_FAILED", "LAUNCH_FAILED", "PULL_FAILED"] as const),
  ...(["NOT_SETTLED", "CAPTURE_INCOMPLETE", "ARTIFACT_INVALID", "ARTIFACT_TOO_LARGE", "UNSAFE_ARCHIVE"] as const),
  ...(["VERIFY_FAILED", "TEST_FAILED"] as const),
]);

export function verdictOn(failure: KubefileError | undefined): PreviewVerdict["verdict"] {
  if (failure === undefined) return "passed";
  return ownFaults.has(failure.code) ? "failed" : "invalid";
}

export function previewFailure(error: KubefileError, part: PreviewPart): PreviewFailure {
  return {
    part,
    code: error.code,
    message: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.where === undefined ? {} : { where: formatLocation(error.where) }),
  };
}

export function previewedImage(image: ClusterImage, references: readonly string[]): PreviewedImage {
  const { grade, images } = image.config;
  return { digest: image.digest, size: totalSize(image), grade, images: images.length, references };
}

/** The same value with every text in it, at any depth, put through `change`. */
export function withTexts<T>(value: T, change: (text: string) => string): T;
export function withTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) return value.map((item: unknown) => withTexts(item, change));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withTexts<unknown>(item, change)]));
}
