import type { Digest } from "../oci/digest.ts";
import { type Reference, tryParseReference } from "../oci/reference.ts";
import type { Engine } from "./engine.ts";
import { localImageDigest, localImageId } from "./image-presence.ts";

export interface IdentityOptions {
  /** Absent when no engine answers. */
  readonly engine: Engine | undefined;
  /** Asks the image's registry; nothing is pulled. */
  readonly resolve: (reference: Reference) => Promise<{ readonly digest: Digest }>;
  readonly signal?: AbortSignal | undefined;
}

/** What an image that we would start stands for. */
export interface ImageIdentity {
  /** As it was asked for. */
  readonly image: string;
  /** Its digest in its registry; absent for one that was never in a registry, as far as the engine knows. */
  readonly digest?: Digest;
  /** The digest, or else the engine's own id. */
  readonly id: string;
}

/**
 * Identifies an image without pulling it: by its digest in its registry, whether it is here or there, so that a machine
 * that has pulled it and one that has not agree. Undefined when neither engine nor registry knows it.
 */
export async function imageIdentity(image: string, options: IdentityOptions): Promise<ImageIdentity | undefined> {
  const { engine, resolve, signal } = options;
  const reference = tryParseReference(image);
  if (reference?.digest !== undefined) return { image, digest: reference.digest, id: reference.digest };
  if (engine !== undefined) {
    const digest = await localImageDigest(engine, image, signal);
    const id = digest ?? (await localImageId(engine, image, signal));
    if (id !== undefined) return { image, ...(digest === undefined ? {} : { digest }), id };
  }
  if (reference === undefined) return undefined;
  try {
    const { digest } = await resolve(reference);
    return { image, digest, id: digest };
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
}
