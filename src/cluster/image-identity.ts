import type { Digest } from "../oci/digest.ts";
import { isDigest } from "../oci/digest.ts";
import { formatRepository, parseReference, type Reference, tryParseReference } from "../oci/reference.ts";
import type { Engine } from "./engine.ts";

export interface IdentityOptions {
  /** Absent when no engine answers. */
  readonly engine: Engine | undefined;
  /** Asks the image's registry; nothing is pulled. */
  readonly resolve: (reference: Reference) => Promise<{ readonly digest: Digest }>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What an image that we would start stands for: its digest in its registry, whether it is here or there, so that a
 * machine that has pulled it and one that has not agree. One that was never in a registry goes by the engine's own id.
 * Undefined when neither engine nor registry knows it.
 */
export async function imageIdentity(image: string, options: IdentityOptions): Promise<string | undefined> {
  const { engine, resolve, signal } = options;
  const reference = tryParseReference(image);
  if (reference?.digest !== undefined) return reference.digest;
  const local = engine === undefined ? undefined : await localIdentity(engine, image, signal);
  if (local !== undefined || reference === undefined) return local;
  try {
    return (await resolve(reference)).digest;
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
}

async function localIdentity(
  engine: Engine,
  image: string,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const format = "{{.Id}}{{range .RepoDigests}} {{.}}{{end}}";
  const asked = await engine.docker(["image", "inspect", "--format", format, image], { allowFailure: true, signal });
  if (asked.exitCode !== 0) return undefined;
  const [id, ...names] = asked.stdout.trim().split(" ");
  // An image may have been pulled under several names; it is the name asked for that others will look up.
  const repository = formatRepository(parseReference(image));
  const digest = names
    .map(tryParseReference)
    .find((name) => name !== undefined && formatRepository(name) === repository)?.digest;
  return digest ?? (id !== undefined && isDigest(id) ? id : undefined);
}
