import { KubefileError } from "../error.ts";
import type { BuildCacheOptions } from "./build-cache.ts";
import type { Place } from "./place.ts";
import type { CacheSpec } from "./spec.ts";

/** The place that a spec names. Nothing is opened or asked before its first use. */
export function openPlace(spec: CacheSpec, _options: BuildCacheOptions): Place {
  throw new KubefileError("UNSUPPORTED", `${spec.written}: this version keeps records in the local store only`);
}
