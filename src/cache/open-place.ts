import type { Repository } from "../oci/reference.ts";
import type { RegistryClient } from "../registry/types.ts";
import { ghaCache } from "./gha-cache.ts";
import type { GhaAccess } from "./gha-service.ts";
import { localCache } from "./local-cache.ts";
import type { Place } from "./place.ts";
import type { BlobSupply } from "./record-blobs.ts";
import { registryCache } from "./registry-cache.ts";
import type { CacheSpec } from "./spec.ts";

export interface PlaceOptions {
  readonly supply: BlobSupply;
  readonly client: RegistryClient;
  readonly gha: GhaAccess | undefined;
  readonly mountFrom: readonly Repository[];
  readonly now: () => Date;
  readonly warn: (message: string) => void;
}

/** The place that a spec names. Nothing is opened or asked before its first use. */
export function openPlace(spec: CacheSpec, options: PlaceOptions): Place {
  switch (spec.type) {
    case "local":
      return localCache({ ...options, spec });
    case "registry":
      return registryCache({ ...options, spec });
    case "gha":
      return ghaCache({ ...options, spec, access: options.gha });
  }
}
