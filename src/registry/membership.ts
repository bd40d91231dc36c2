import type { Digest } from "../oci/digest.ts";
import { formatRepository, type Repository } from "../oci/reference.ts";
import { readManifest, referencesOf } from "./manifest-facts.ts";

/**
 * Which content a repository is known to hold. The store is one for all repositories; without this, whoever knows the
 * digest of a private image's blob could have it under any repository's name.
 */
export class Membership {
  readonly #manifests = new Map<string, Set<Digest>>();
  readonly #blobs = new Map<string, Set<Digest>>();

  hasManifest(repository: Repository, digest: Digest): boolean {
    return this.#manifests.get(formatRepository(repository))?.has(digest) ?? false;
  }

  hasBlob(repository: Repository, digest: Digest): boolean {
    return this.#blobs.get(formatRepository(repository))?.has(digest) ?? false;
  }

  /**
   * A registry takes a manifest only if the repository holds what it points to (distribution-spec, "Pushing Manifests"),
   * so that one which serves it vouches for the blobs. A hostile registry could vouch for any digest that it has heard
   * of; asking it for the blob as well would prove nothing more. See docs/architecture.md, "Whom we do not trust".
   */
  addManifest(repository: Repository, digest: Digest, bytes: Uint8Array): void {
    add(this.#manifests, repository, digest);
    const manifest = readManifest(bytes);
    if (manifest === undefined) return;
    const { manifests, blobs } = referencesOf(manifest);
    for (const child of manifests) add(this.#manifests, repository, child.digest);
    for (const blob of blobs) add(this.#blobs, repository, blob.digest);
  }

  addBlob(repository: Repository, digest: Digest): void {
    add(this.#blobs, repository, digest);
  }
}

function add(sets: Map<string, Set<Digest>>, repository: Repository, digest: Digest): void {
  const key = formatRepository(repository);
  const set = sets.get(key) ?? new Set();
  sets.set(key, set.add(digest));
}
