import { errorMessage } from "../error.ts";
import type { ImageDiff } from "../image/diff-types.ts";
import type { Digest } from "../oci/digest.ts";
import { formatReference, manifestReference, type Reference } from "../oci/reference.ts";
import { RegistryError } from "../registry/errors.ts";
import { diff } from "./diff.ts";
import type { Host } from "./host.ts";

/** An image as it was at one time. */
export interface Base {
  /** As it is called: with its tag. */
  readonly reference: Reference;
  readonly digest: Digest;
}

/**
 * What the first of some names that is there stands for now; to be asked before a build moves it. A comparison is worth
 * no failure: what cannot be had is told, and left out.
 */
export async function findBase(host: Host, candidates: readonly Reference[]): Promise<Base | undefined> {
  for (const reference of candidates) {
    host.trustRegistry(reference.host);
    try {
      const { digest } = await host.client.resolve(reference, manifestReference(reference), { signal: host.signal });
      return { reference, digest };
    } catch (error) {
      host.signal.throwIfAborted();
      if (!(error instanceof RegistryError && error.status === 404)) tellMissing(host, reference, error);
    }
  }
  const [first] = candidates;
  if (first !== undefined) host.progress.note("info", `${formatReference(first)} is not there to compare with`);
  return undefined;
}

/** @param built names the result, which is in the store or at that registry */
export async function compareWithBase(
  host: Host,
  { reference, digest }: Base,
  built: { readonly name: string; readonly digest: Digest },
): Promise<ImageDiff | undefined> {
  const { host: registry, path } = reference;
  try {
    const from = { name: formatReference({ host: registry, path, digest }), file: "" };
    const to = { name: built.name, file: "", digest: built.digest };
    const compared = await diff(host, { from, to, files: true, platform: undefined });
    return { ...compared, from: { ...compared.from, reference: formatReference(reference) } };
  } catch (error) {
    host.signal.throwIfAborted();
    tellMissing(host, reference, error);
    return undefined;
  }
}

function tellMissing(host: Host, reference: Reference, error: unknown): void {
  host.progress.note("info", `not compared with ${formatReference(reference)}: ${errorMessage(error)}`);
}
