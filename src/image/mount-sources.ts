import type { Digest } from "../oci/digest.ts";
import { MAX_MANIFEST_BYTES, parseManifest } from "../oci/manifest.ts";
import { parseReference, type Repository } from "../oci/reference.ts";
import type { Store } from "../store/types.ts";
import { walkImages } from "./blob-graph.ts";
import type { ClusterImage } from "./cluster-image.ts";
import { readPlaces } from "./places.ts";

export interface MountSourceOptions {
  readonly store: Store;
  readonly image: ClusterImage;
  /** Where the image is pushed to. */
  readonly target: Repository;
  /** Repositories that may hold any of its blobs: caches, the base of the build. */
  readonly others?: readonly Repository[];
  /** Repositories that are known to hold a blob. */
  readonly holders?: ((digest: Digest) => readonly Repository[]) | undefined;
}

/** Paths of repositories in the target's registry that may hold a blob, the likeliest first. */
export type MountSources = (digest: Digest) => readonly string[];

/**
 * Where blobs can be mounted from instead of being sent: those that hold them, the repositories that captured images came
 * from, those where this store has seen a cluster image with the blob, and the others that the caller knows.
 */
export async function findMountSources({
  store,
  image,
  target,
  others = [],
  holders = () => [],
}: MountSourceOptions): Promise<MountSources> {
  const sources = new Map<Digest, Set<string>>();
  const add = (digest: Digest, path: string): void => {
    if (path === target.path) return;
    const known = sources.get(digest);
    if (known === undefined) sources.set(digest, new Set([path]));
    else known.add(path);
  };
  const near = image.config.images.filter(({ reference }) => parseReference(reference).host === target.host);
  for (const { reference, blobs } of await walkImages(store, near, image.config.platform)) {
    const { path } = parseReference(reference);
    // Manifests are no blobs where they came from.
    for (const { digest, role } of blobs) if (role === "config" || role === "layer") add(digest, path);
  }
  for (const { repository, digest } of await readPlaces(store.directory)) {
    if (repository.host !== target.host || repository.path === target.path) continue;
    for (const blob of await listedBlobs(store, digest)) add(blob, repository.path);
  }
  const pathsNear = (repositories: readonly Repository[]): string[] =>
    repositories.filter(({ host, path }) => host === target.host && path !== target.path).map(({ path }) => path);
  const anywhere = pathsNear(others);
  return (digest) => [...new Set([...pathsNear(holders(digest)), ...(sources.get(digest) ?? []), ...anywhere])];
}

/** What a cluster image's manifest lists; nothing when the store no longer has it. */
async function listedBlobs(store: Store, digest: Digest): Promise<readonly Digest[]> {
  try {
    if ((await store.has(digest)) === undefined) return [];
    const manifest = parseManifest(await store.readSmall(digest, MAX_MANIFEST_BYTES));
    return manifest.kind === "index" ? [] : [manifest.config, ...manifest.layers].map((blob) => blob.digest);
  } catch {
    return [];
  }
}
