import type { BuildCache, CacheRecord } from "../cache/types.ts";

/** Keeps records while the build goes on: where a cache is far away, nothing waits for it but the end. */
export interface RecordSaver {
  readonly save: (record: CacheRecord, options: { readonly replace: boolean }) => void;
  /** Waits until all that was saved so far is kept, or was warned of. */
  done(): Promise<void>;
}

export function recordSaver(cache: BuildCache, signal: AbortSignal): RecordSaver {
  // One after the other: those of later steps find the layers of earlier ones in place.
  let last: Promise<void> = Promise.resolve();
  return {
    save(record, { replace }) {
      // A cache fails no build; what is thrown is an abort, which the build itself meets.
      last = last.then(() => cache.save(record, { signal, replace })).catch(() => undefined);
    },
    done: () => last,
  };
}
