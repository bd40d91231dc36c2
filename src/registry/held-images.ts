import { type Digest, isDigest } from "../oci/digest.ts";
import { formatRepository, parseReference, type Repository } from "../oci/reference.ts";
import type { Store } from "../store/types.ts";
import { manifestMediaType, readManifest, referencesOf } from "./manifest-facts.ts";
import type { ManifestContent } from "./types.ts";

/** An image that a cluster image holds: its full reference and what that stood for when it was captured. */
export interface HeldImage {
  readonly reference: string;
  readonly digest: Digest;
  readonly mediaType: string;
}

/** One repository's part of a cluster image. */
export interface HeldRepository {
  readonly images: readonly HeldImage[];
  readonly tags: ReadonlyMap<string, Digest>;
  /** All that its images consist of. Content of other repositories is not served under this one's name. */
  contents(): Promise<HeldContents>;
}

export interface HeldContents {
  /** Media types by digest. */
  readonly manifests: ReadonlyMap<Digest, string>;
  /** Bytes by digest, as their manifests say. */
  readonly blobs: ReadonlyMap<Digest, number>;
}

/** Groups the images of a cluster image by their repositories (`docker.io/library/nginx`). */
export function heldRepositories(
  store: Store,
  images: readonly HeldImage[],
): (repository: Repository) => HeldRepository | undefined {
  const byName = new Map<string, { readonly images: HeldImage[]; readonly tags: Map<string, Digest> }>();
  for (const image of images) {
    const reference = parseReference(image.reference);
    const name = formatRepository(reference);
    const group = byName.get(name) ?? { images: [], tags: new Map<string, Digest>() };
    byName.set(name, group);
    group.images.push(image);
    // Nodes ask for `web:1@sha256:…` by its digest alone. What another image calls `web:1` may be a later one.
    const isKnown = reference.digest !== undefined && group.tags.has(reference.tag ?? "");
    if (reference.tag !== undefined && !isKnown) group.tags.set(reference.tag, image.digest);
  }
  const repositories = new Map<string, HeldRepository>();
  for (const [name, group] of byName) {
    let walked: Promise<HeldContents> | undefined;
    repositories.set(name, { ...group, contents: () => (walked ??= walk(store, group.images)) });
  }
  return (repository) => repositories.get(formatRepository(repository));
}

/** What a tag or a digest of a repository names, from the store; undefined when that is not held. */
export async function heldManifest(
  store: Store,
  held: HeldRepository | undefined,
  reference: string,
): Promise<ManifestContent | undefined> {
  const digest = isDigest(reference) ? reference : held?.tags.get(reference);
  if (held === undefined || digest === undefined) return undefined;
  const mediaType = (await held.contents()).manifests.get(digest);
  if (mediaType === undefined || (await store.has(digest)) === undefined) return undefined;
  const bytes = await store.readSmall(digest);
  return { digest, bytes, mediaType: manifestMediaType(bytes, mediaType) };
}

/** All manifests, with their media types, and blobs below some images, as far as the store has what names them. */
async function walk(store: Store, images: readonly HeldImage[]): Promise<HeldContents> {
  const manifests = new Map(images.map(({ digest, mediaType }) => [digest, mediaType]));
  const blobs = new Map<Digest, number>();
  // A map grows while it is iterated over, and holds each digest once.
  for (const [digest, mediaType] of manifests) {
    if ((await store.has(digest)) === undefined) continue;
    const manifest = readManifest(await store.readSmall(digest), mediaType);
    if (manifest === undefined) continue;
    const references = referencesOf(manifest);
    for (const child of references.manifests) manifests.set(child.digest, child.mediaType);
    for (const blob of references.blobs) blobs.set(blob.digest, blob.size);
  }
  return { manifests, blobs };
}
