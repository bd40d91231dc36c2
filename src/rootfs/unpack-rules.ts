import type { KubefileError } from "../error.ts";
import type { MemberRules } from "./archive-member.ts";

export interface UnpackLimits {
  readonly entries: number;
  /** Of the tar, uncompressed, and of the copies that hard links become. */
  readonly bytes: number;
  readonly pathBytes: number;
}

export const defaultLimits: UnpackLimits = { entries: 500_000, bytes: 64 * 1024 ** 3, pathBytes: 2048 };

export interface UnpackRules extends Omit<MemberRules, "maxPathBytes"> {
  readonly limits: UnpackLimits;
  /** Whether `.wh.` names remove files, as in a layer. */
  readonly whiteouts: boolean;
  /** The mode an entry gets. */
  readonly modeOf: (type: "file" | "directory", path: string, mode: number) => number;
  /** Takes the problem of one entry, which is left out; without it the first problem ends the unpacking. */
  readonly onRefused?: (problem: KubefileError) => void;
  readonly signal?: AbortSignal | undefined;
}
