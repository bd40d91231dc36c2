import type { CacheKey } from "../cache/types.ts";
import type { Digest } from "../oci/digest.ts";
import { cacheKey } from "./cache-key.ts";

/** Where a stage begins. */
export interface BaseInputs {
  /** `linux/amd64`. */
  readonly platform: string;
  /** Of the image that FROM names; absent for scratch. */
  readonly image?: Digest;
}

/** All that decides what one step makes of the rootfs before it. */
export interface StepInputs {
  /** The key of what it stands on. */
  readonly previous: CacheKey;
  readonly platform: string;
  /** The instruction with its variables replaced. */
  readonly instruction: Readonly<Record<string, unknown>>;
  /** Identities of its sources in their order: files of the context, a URL's checksum, a commit, a stage's key. */
  readonly reads: readonly string[];
  /** Variables that a RUN sees. */
  readonly environment: Readonly<Record<string, string>>;
  /** Identity of the launch container's image, for a RUN. */
  readonly container?: string;
}

export function baseKey(inputs: BaseInputs): CacheKey {
  return cacheKey("base", inputs);
}

export function stepKey(inputs: StepInputs): CacheKey {
  return cacheKey("step", inputs);
}

/**
 * The key of a step that nothing known beforehand decides, such as a RUN on the host: what it made does. The steps
 * after it, and the rehearsal, can be cached all the same.
 */
export function resultKey(previous: CacheKey, layer: Digest | undefined): CacheKey {
  return cacheKey("result", { previous, layer });
}

/** The key of a finished rootfs. @param directories those of the applications, relative to the rootfs */
export function rootfsKey(last: CacheKey, directories: readonly string[]): CacheKey {
  return cacheKey("rootfs", { last, directories: [...new Set(directories)].sort() });
}
