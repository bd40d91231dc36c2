import { type Digest, isDigest } from "../oci/digest.ts";
import { formatRepository, parseReference, type Repository } from "../oci/reference.ts";
import type { Store } from "../store/types.ts";
import { RegistryError } from "./errors.ts";
import { manifestMediaType, readManifest, referencesOf } from "./manifest-facts.ts";
import type { ContentSource } from "./types.ts";

/** An image that a cluster image holds: its full reference and what that stood for when it was captured. */
export interface HeldImage {
  readonly reference: string;
  readonly digest: Digest;
  readonly mediaType: string;
}

export interface ArtifactSource extends ContentSource {
  /** What was asked for and is not there, each once: `docker.io/shop/web` and a tag or digest. */
  readonly missing: readonly { readonly repository: string; readonly reference: string }[];
}

/** One repository's part of the cluster image. */
interface HeldRepository {
  readonly images: HeldImage[];
  readonly tags: Map<string, Digest>;
  /** All that the images consist of. Content of other repositories is not served under this one's name. */
  reachable?: Promise<{ readonly manifests: Map<Digest, string>; readonly blobs: ReadonlySet<Digest> }>;
}

/**
 * Serves a cluster image's own images from the store and nothing else: what a launch asks for beyond them is missing
 * at every site, and is remembered for the verdict.
 */
export function createArtifactSource({
  store,
  images,
}: {
  readonly store: Store;
  readonly images: readonly HeldImage[];
}): ArtifactSource {
  const repositories = groupByRepository(images);
  const missing = new Map<string, { repository: string; reference: string }>();

  const absent = (repository: Repository, reference: string, isBlob: boolean): RegistryError => {
    const name = formatRepository(repository);
    missing.set(`${name} ${reference}`, { repository: name, reference });
    const held = repositories.get(name)?.images.map((image) => image.reference);
    const offer = held === undefined ? "no image of that repository" : `only ${held.join(", ")}`;
    const asked = `${name}${isDigest(reference) ? "@" : ":"}${reference}`;
    return isBlob
      ? new RegistryError(404, "BLOB_UNKNOWN", `the cluster image does not hold blob ${asked}`)
      : new RegistryError(404, "MANIFEST_UNKNOWN", `the cluster image does not hold ${asked}; it holds ${offer}`);
  };

  const reachableIn = (repository: Repository): HeldRepository["reachable"] => {
    const held = repositories.get(formatRepository(repository));
    if (held === undefined) return undefined;
    held.reachable ??= walk(store, held.images);
    return held.reachable;
  };

  return {
    get missing() {
      return [...missing.values()];
    },

    async manifest(repository, reference) {
      const held = repositories.get(formatRepository(repository));
      const digest = isDigest(reference) ? reference : held?.tags.get(reference);
      const mediaType = digest === undefined ? undefined : (await reachableIn(repository))?.manifests.get(digest);
      if (digest === undefined || mediaType === undefined || (await store.has(digest)) === undefined) {
        throw absent(repository, reference, false);
      }
      const bytes = await store.readSmall(digest);
      return { digest, bytes, mediaType: manifestMediaType(bytes, mediaType) };
    },

    async blob(repository, digest, options) {
      const reachable = await reachableIn(repository);
      // Clients look for manifests among the blobs, too; that is no sign of a gap.
      if (reachable?.manifests.has(digest)) {
        throw new RegistryError(404, "BLOB_UNKNOWN", `${digest} is a manifest, not a blob`);
      }
      if (!reachable?.blobs.has(digest) || (await store.has(digest)) === undefined) {
        throw absent(repository, digest, true);
      }
      const { size, range, stream } = await store.fetch(
        digest,
        () => Promise.reject(absent(repository, digest, true)),
        {
          ...(options.range === undefined ? {} : { range: options.range }),
          ...(options.signal === undefined ? {} : { signal: options.signal }),
        },
      );
      return { size, stream, start: range.start, end: range.end };
    },
  };
}

function groupByRepository(images: readonly HeldImage[]): Map<string, HeldRepository> {
  const repositories = new Map<string, HeldRepository>();
  for (const image of images) {
    const reference = parseReference(image.reference);
    const name = formatRepository(reference);
    const held: HeldRepository = repositories.get(name) ?? { images: [], tags: new Map() };
    repositories.set(name, held);
    held.images.push(image);
    if (reference.tag !== undefined) held.tags.set(reference.tag, image.digest);
  }
  return repositories;
}

/** All manifests, with their media types, and blobs below some images, as far as the store has what names them. */
async function walk(
  store: Store,
  images: readonly HeldImage[],
): Promise<{ manifests: Map<Digest, string>; blobs: Set<Digest> }> {
  const manifests = new Map(images.map(({ digest, mediaType }) => [digest, mediaType]));
  const blobs = new Set<Digest>();
  // A map grows while it is iterated over, and holds each digest once.
  for (const [digest, mediaType] of manifests) {
    if ((await store.has(digest)) === undefined) continue;
    const manifest = readManifest(await store.readSmall(digest), mediaType);
    if (manifest === undefined) continue;
    const references = referencesOf(manifest);
    for (const child of references.manifests) manifests.set(child.digest, child.mediaType);
    for (const blob of references.blobs) blobs.add(blob.digest);
  }
  return { manifests, blobs };
}
