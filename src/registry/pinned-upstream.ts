import type { Digest } from "../oci/digest.ts";
import { formatReference, isTag, type Repository } from "../oci/reference.ts";
import { RegistryError } from "./errors.ts";
import type { Upstream } from "./types.ts";

/**
 * The same registries, but for tags that are pinned: those stand for their digests, whatever the registry says of them
 * now. That it still has the digest is asked of it as ever.
 *
 * @param pins by full reference, `docker.io/library/nginx:1.27`
 * @param pinnedBy what messages call the one who pins: `kubefile.lock`
 */
export function pinnedUpstream(upstream: Upstream, pins: ReadonlyMap<string, Digest>, pinnedBy: string): Upstream {
  const pinned = async <T>(
    repository: Repository,
    reference: string,
    ask: (reference: string) => Promise<T>,
  ): Promise<T> => {
    const { host, path } = repository;
    const name = isTag(reference) ? formatReference({ host, path, tag: reference }) : undefined;
    const digest = name === undefined ? undefined : pins.get(name);
    if (name === undefined || digest === undefined) return ask(reference);
    try {
      return await ask(digest);
    } catch (error) {
      if (!(error instanceof RegistryError) || error.status !== 404) throw error;
      const pinnedTo = (said: string): string => `${pinnedBy} pins ${name} to ${digest}: ${said}`;
      throw new RegistryError(404, error.code, pinnedTo(error.message), {
        ...(error.detail === undefined ? {} : { detail: pinnedTo(error.detail) }),
        cause: error,
      });
    }
  };
  return {
    ...upstream,
    resolve: (repository, reference, options) =>
      pinned(repository, reference, (asked) => upstream.resolve(repository, asked, options)),
    manifest: (repository, reference, options) =>
      pinned(repository, reference, (asked) => upstream.manifest(repository, asked, options)),
  };
}
