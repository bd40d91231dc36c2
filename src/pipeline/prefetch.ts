import pLimit from "p-limit";
import type { Platform } from "../oci/descriptor.ts";
import { formatReference, manifestReference, type Reference, tryParseReference } from "../oci/reference.ts";
import type { CachingProxy } from "../registry/caching-proxy.ts";
import { type CompleteImage, completeImage } from "../registry/complete-image.ts";

/** Brings whole images into the store, each once, a few at a time. */
export interface ImageCompletion {
  /** Starts early on an image that will probably be needed; failures count only when it is asked for. */
  prefetch(reference: string): void;
  /** Waits until the image is whole. A failure is not remembered. */
  complete(reference: Reference): Promise<CompleteImage>;
  /** Waits until nothing is under way. */
  idle(): Promise<void>;
}

const IMAGES_AT_ONCE = 4;

export function createImageCompletion(options: {
  readonly proxy: CachingProxy;
  readonly platform: Platform;
  readonly signal: AbortSignal;
}): ImageCompletion {
  const limit = pLimit(IMAGES_AT_ONCE);
  const running = new Map<string, Promise<CompleteImage>>();
  const complete = (reference: Reference): Promise<CompleteImage> => {
    const key = formatReference(reference);
    const known = running.get(key);
    if (known !== undefined) return known;
    const work = limit(() =>
      completeImage({
        source: options.proxy,
        repository: reference,
        reference: manifestReference(reference),
        platform: options.platform,
        signal: options.signal,
      }),
    );
    running.set(key, work);
    work.catch(() => running.delete(key));
    return work;
  };
  return {
    prefetch(text) {
      const reference = tryParseReference(text);
      if (reference !== undefined && !options.signal.aborted) complete(reference).catch(() => undefined);
    },
    complete,
    async idle() {
      await Promise.allSettled(running.values());
    },
  };
}
