import { stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { KubefileError } from "../error.ts";
import type { ClusterImage } from "../image/cluster-image.ts";
import { blobFetcher, fetchDescription } from "../image/load.ts";
import { resolveLocal } from "../image/local-tags.ts";
import { readNameHere } from "../image/name-here.ts";
import { openOciArchive } from "../image/oci-archive.ts";
import { platformDigest, requirePlatform } from "../image/platform-image.ts";
import { readClusterImage } from "../image/read.ts";
import { registryFailure } from "../image/registry-failure.ts";
import { hostPlatform, type Platform } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { type Reference, tryParseReference } from "../oci/reference.ts";
import type { BlobReader, Store } from "../store/types.ts";
import type { Host } from "./host.ts";

/** A cluster image to be looked into, wherever it is. */
export interface ImageSource {
  readonly image: ClusterImage;
  /** Its manifests and those of captured images; layers need not be there. */
  readonly content: BlobReader;
  /** A layer's bytes, fetched when they are not here. */
  openLayer(layer: { readonly digest: Digest; readonly size: number }): Promise<Readable>;
}

export interface ImageName {
  /** As it was written: a file, a name given here, or a reference. */
  readonly name: string;
  /** The absolute path that it stands for when it is a file. */
  readonly file: string;
  /** Known to be in the store, since it was just built; the name only tells where else its layers are. */
  readonly digest?: Digest;
}

/**
 * Finds a cluster image by an archive's file name, else by a name given here, else in its registry.
 *
 * @param platform which to take of an index, and the only one that will do; of an index this machine's when absent
 */
export async function openImageSource(
  host: Host,
  store: Store,
  { name, file, digest }: ImageName,
  platform: Platform | undefined,
): Promise<ImageSource> {
  if (digest !== undefined) return openBuilt(host, store, name, digest);
  if ((await stat(file).catch(() => undefined))?.isFile() === true) return openArchive(name, file, platform);
  const reference = await readNameHere(store.directory, name);
  const { client, signal } = host;
  const local = await resolveLocal(store.directory, reference);
  host.trustRegistry(reference.host);
  const image =
    local === undefined
      ? await fetchDescription({ client, store, reference, platform, signal })
      : await readClusterImage(store, await platformDigest(store, local.digest, platform ?? hostPlatform(), name));
  requirePlatform(image, platform, name);
  return { image, content: store, openLayer: layersAt(host, store, reference) };
}

/** A build that pushed may have left layers at the registry. */
async function openBuilt(host: Host, store: Store, name: string, digest: Digest): Promise<ImageSource> {
  const reference = tryParseReference(name);
  const openLayer: ImageSource["openLayer"] =
    reference === undefined
      ? async (layer) => (await store.open(layer.digest)).stream
      : layersAt(host, store, reference);
  return { image: await readClusterImage(store, digest), content: store, openLayer };
}

function layersAt({ client, signal }: Host, store: Store, reference: Reference): ImageSource["openLayer"] {
  return async (layer) => {
    const opened = await store
      .fetch(layer.digest, blobFetcher({ client, reference }, layer), { signal })
      .catch((error: unknown) => Promise.reject(registryFailure("fetch", reference.host, error)));
    return opened.stream;
  };
}

async function openArchive(name: string, file: string, platform: Platform | undefined): Promise<ImageSource> {
  const { reader, manifests } = await openOciArchive(file);
  const digests = new Set(manifests.map(({ digest }) => digest));
  const [digest, ...others] = digests;
  if (digest === undefined || others.length > 0) {
    throw new KubefileError("ARTIFACT_INVALID", `${name} holds ${digests.size} images, not one`, {
      hint: "name an archive that `kubefile build -o type=oci,dest=FILE` wrote",
    });
  }
  const chosen = await platformDigest(reader, digest, platform ?? hostPlatform(), name);
  const image = await readClusterImage(reader, chosen, name);
  requirePlatform(image, platform, name);
  return {
    image,
    content: reader,
    openLayer: async (layer) => (await reader.open(layer.digest)).stream,
  };
}
