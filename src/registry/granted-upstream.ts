import { formatRepository, type Repository } from "../oci/reference.ts";
import type { Credential, RequestOptions, Upstream } from "./types.ts";

/** The same registries, asked with credentials of their own for the repositories that were granted them. */
export interface GrantedUpstream extends Upstream {
  /** From now on, for requests about this very repository. */
  grant(repository: Repository, credentials: readonly Credential[]): void;
}

/** Credentials that are for some images alone, and not, as those of a source, for whatever a registry has. */
export function grantedUpstream(upstream: Upstream): GrantedUpstream {
  const grants = new Map<string, readonly Credential[]>();
  const granted = <Options extends RequestOptions>(repository: Repository, options: Options): Options => {
    const own = grants.get(formatRepository(repository));
    if (own === undefined) return options;
    return { ...options, credentials: [...(options.credentials ?? []), ...own] };
  };
  return {
    grant(repository, credentials) {
      grants.set(formatRepository(repository), credentials);
    },
    resolve: (repository, reference, options) => upstream.resolve(repository, reference, granted(repository, options)),
    manifest: (repository, reference, options) =>
      upstream.manifest(repository, reference, granted(repository, options)),
    blob: (repository, digest, options) => upstream.blob(repository, digest, granted(repository, options)),
    hasBlob: (repository, digest, options) => upstream.hasBlob(repository, digest, granted(repository, options)),
  };
}
