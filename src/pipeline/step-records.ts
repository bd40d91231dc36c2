import type { BuildCache, CacheKey, CacheRecord, StepRecord } from "../cache/types.ts";
import type { RootfsLayer } from "../image/assemble.ts";
import { cut, plainText } from "../image/text-table.ts";
import type { Digest } from "../oci/digest.ts";
import type { BlobSupply } from "./blob-supply.ts";

/** The records of steps, as a build of the rootfs sees them. */
export interface StepRecords {
  /**
   * What is known of a step. Not usable is a record whose layer was made upon other layers than `below`, or can be had
   * nowhere.
   */
  find(key: CacheKey, below: Digest | undefined): Promise<KnownStep | undefined>;
  /** Goes on beside the build. */
  save(
    key: CacheKey,
    step: { readonly shown: string; readonly below: Digest | undefined; readonly layer: RootfsLayer | undefined },
    options: { readonly replace: boolean },
  ): void;
}

export type KnownStep =
  | { readonly usable: true; readonly layer: RootfsLayer | undefined; readonly from: string }
  | { readonly usable: false };

/** Characters; the schema of records allows no more. */
const LONGEST_SHOWN = 200;

export function stepRecords(options: {
  readonly cache: BuildCache;
  readonly supply: BlobSupply;
  readonly save: (record: CacheRecord, options: { readonly replace: boolean }) => void;
  readonly signal: AbortSignal;
}): StepRecords {
  const { cache, supply, save, signal } = options;
  return {
    async find(key, below) {
      let isKnown = false;
      const found = await cache.find("step", key, {
        signal,
        accepts: async ({ record, origins }) => {
          isKnown = true;
          supply.addOrigins(origins);
          if (record.below !== below) return false;
          return record.layer === undefined || (await supply.find(record.layer.descriptor, { signal })) !== undefined;
        },
      });
      if (found !== undefined) return { usable: true, layer: found.record.layer, from: found.from };
      return isKnown ? { usable: false } : undefined;
    },
    save(key, { shown, below, layer }, { replace }) {
      const record: StepRecord = {
        schemaVersion: 1,
        kind: "step",
        key,
        shown: cut(plainText(shown), LONGEST_SHOWN),
        ...(below === undefined ? {} : { below }),
        ...(layer === undefined ? {} : { layer }),
      };
      save(record, { replace });
    },
  };
}
