import type { Digest } from "../oci/digest.ts";
import { formatRepository, type Repository } from "../oci/reference.ts";
import { readManifest, referencesOf } from "./manifest-facts.ts";

/**
 * Which content a repository is known to hold. The store is one for all repositories; without this, whoever knows the
 * digest of a private image's blob could have it under any repository's name.
 */
export class Membership {
  readonly #manifests = new Map<string, Set<Digest>>();
  /** With their sizes, as far as manifests tell them. */
  readonly #blobs = new Map<string, Map<Digest, number | undefined>>();

  hasManifest(repository: Repository, digest: Digest): boolean {
    return this.#manifests.get(formatRepository(repository))?.has(digest) ?? false;
  }

  hasBlob(repository: Repository, digest: Digest): boolean {
    return this.#blobs.get(formatRepository(repository))?.has(digest) ?? false;
  }

  /** Bytes of a blob, as a manifest of the repository says. */
  sizeOf(repository: Repository, digest: Digest): number | undefined {
    return this.#blobs.get(formatRepository(repository))?.get(digest);
  }

  /**
   * A registry takes a manifest only if the repository holds what it points to (distribution-spec, "Pushing Manifests"),
   * so that one which serves it vouches for the blobs. A hostile registry could vouch for any digest that it has heard
   * of; asking it for the blob as well would prove nothing more. See docs/architecture.md, "Whom we do not trust".
   */
  addManifest(repository: Repository, digest: Digest, bytes: Uint8Array): void {
    this.#addManifest(repository, digest);
    const manifest = readManifest(bytes);
    if (manifest === undefined) return;
    const { manifests, blobs } = referencesOf(manifest);
    for (const child of manifests) this.#addManifest(repository, child.digest);
    for (const blob of blobs) this.addBlob(repository, blob.digest, blob.size);
  }

  addBlob(repository: Repository, digest: Digest, size?: number): void {
    const key = formatRepository(repository);
    const sizes = this.#blobs.get(key) ?? new Map<Digest, number | undefined>();
    this.#blobs.set(key, sizes.set(digest, size ?? sizes.get(digest)));
  }

  #addManifest(repository: Repository, digest: Digest): void {
    const key = formatRepository(repository);
    const digests = this.#manifests.get(key) ?? new Set();
    this.#manifests.set(key, digests.add(digest));
  }
}
