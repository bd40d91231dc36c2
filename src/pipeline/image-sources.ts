import { join } from "node:path";
import pLimit from "p-limit";
import { believesName, type CacheTrust } from "../cache/trust.ts";
import { KubefileError, type Location } from "../error.ts";
import { type BaseImage, fetchBaseImage } from "../image/base-image.ts";
import { readCarriedImages } from "../image/carried-images.ts";
import { blobFetcher } from "../image/load.ts";
import { findLocal } from "../image/local-tags.ts";
import { registryFailure } from "../image/registry-failure.ts";
import type { Platform } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { formatReference, manifestReference, type Reference } from "../oci/reference.ts";
import type { Upstream } from "../registry/types.ts";
import { atLocation } from "../rootfs/problems.ts";
import type { SourceTree } from "../rootfs/source-tree.ts";
import { applyStoredLayer } from "../rootfs/stored-layer.ts";
import { createWorkspace } from "../rootfs/workspace.ts";
import type { Store } from "../store/types.ts";
import type { Host } from "./host.ts";

/** The images that a Kubefile names in FROM and `COPY --from`; each name means the same throughout a build. */
export interface ImageSources {
  /** What a name stands for now: of an index, its own digest. Nothing is downloaded. */
  digest(reference: Reference): Promise<Digest>;
  /** What an image is, without its layers. */
  describe(reference: Reference): Promise<BaseImage>;
  /** Brings the layers into the store. */
  fetchLayers(image: BaseImage, options: { readonly signal: AbortSignal }): Promise<void>;
  /** The file tree of an image, unpacked below `directory` once however often it is asked for. */
  tree(reference: Reference, directory: string, options: { readonly signal: AbortSignal }): Promise<SourceTree>;
}

const PARALLEL_BLOBS = 4;

export interface ImageSourcesOptions {
  readonly host: Pick<Host, "progress" | "trustRegistry" | "signal">;
  /** The registries; a lock may have pinned tags. */
  readonly upstream: Upstream;
  readonly store: Store;
  /** Which to take of an index. */
  readonly platform: Platform;
  /** Whose names in the store stand for a base that no registry has. */
  readonly trust: CacheTrust;
  /** Told of each name once. */
  readonly onResolved: (reference: Reference, digest: Digest) => void;
}

export function createImageSources(options: ImageSourcesOptions): ImageSources {
  const { host, upstream: client, store, platform, trust, onResolved } = options;
  const { progress } = host;
  const digests = new Map<string, Promise<Digest>>();
  const images = new Map<string, Promise<BaseImage>>();
  const trees = new Map<Digest, Promise<SourceTree>>();

  const digest: ImageSources["digest"] = (reference) =>
    once(digests, formatReference(reference), async () => {
      // The Kubefile names it, as manifests name images.
      host.trustRegistry(reference.host);
      try {
        const { digest: found } = await client.resolve(reference, manifestReference(reference), {});
        onResolved(reference, found);
        return found;
      } catch (error) {
        const local = await findLocal(store.directory, reference);
        const failure = registryFailure("fetch", reference.host, error);
        if (local === undefined || !(failure instanceof KubefileError)) throw failure;
        if (reference.digest === undefined && !believesName(trust, local.givenBy)) throw unbelieved(failure, trust);
        progress.note("warning", `${formatReference(reference)} is taken from the store: ${failure.message}`);
        onResolved(reference, local.descriptor.digest);
        return local.descriptor.digest;
      }
    });

  const describe: ImageSources["describe"] = (reference) =>
    once(images, formatReference(reference), async () => {
      const image = await fetchBaseImage({ client, store, reference, digest: await digest(reference), platform });
      return image.mayCarryImages === true ? await withCarried(image) : image;
    });

  /** What such an image carries is in its layers alone, so that they are fetched at once. */
  const withCarried = async (image: BaseImage): Promise<BaseImage> => {
    const { signal } = host;
    await fetchLayers(image, { signal });
    const name = formatReference(image.reference);
    const carried = await readCarriedImages({ store, layers: image.layers, platform, name, signal });
    for (const reference of carried.incomplete) {
      progress.note("warning", `${name} carries ${reference}, but not all of it: it is asked of its registry`);
    }
    return { ...image, images: carried.images };
  };

  const fetchLayers: ImageSources["fetchLayers"] = async ({ reference, layers }, { signal }) => {
    const limit = pLimit(PARALLEL_BLOBS);
    await Promise.all(
      layers.map(({ descriptor }) =>
        limit(() => store.ensure(descriptor.digest, blobFetcher({ client, reference }, descriptor), { signal })),
      ),
    )
      .catch((error: unknown) => Promise.reject(registryFailure("fetch", reference.host, error)))
      .finally(() => limit.clearQueue());
  };

  const tree: ImageSources["tree"] = async (reference, directory, options) => {
    const image = await describe(reference);
    return once(trees, image.digest, async () => {
      await fetchLayers(image, options);
      const { root } = await createWorkspace(join(directory, "images"));
      for (const layer of image.layers) await applyStoredLayer(root, layer, store, { adapts: true, ...options });
      return { root, name: `image ${formatReference(reference)}` };
    });
  };

  return { digest, describe, fetchLayers, tree };
}

/** Whoever may not write what this build reads could have put any image under the name. */
function unbelieved({ code, message, cause }: KubefileError, { why }: CacheTrust): KubefileError {
  return new KubefileError(
    code,
    `${message}; the image of that name in the store is of a build that this one does not believe`,
    {
      hint: `push the base first: from the store, builds of protected refs and releases take what protected builds named there, and others nothing of a fork (this one: ${why})`,
      cause,
    },
  );
}

/**
 * Looks at the images that FROM names, all together.
 *
 * @returns them by the full form of their names
 * @throws KubefileError REGISTRY, ARTIFACT_INVALID, with the place of the FROM
 */
export async function describeBases(
  sources: ImageSources,
  named: readonly { readonly reference: Reference; readonly where: Location }[],
): Promise<ReadonlyMap<string, BaseImage>> {
  const described = await Promise.all(
    named.map(async ({ reference, where }) => {
      try {
        return [formatReference(reference), await sources.describe(reference)] as const;
      } catch (error) {
        throw atLocation(error, where);
      }
    }),
  );
  return new Map(described);
}

/** A failure is remembered like a result: what a build was told once holds until its end. */
function once<Key, Value>(known: Map<Key, Promise<Value>>, key: Key, work: () => Promise<Value>): Promise<Value> {
  const value = known.get(key) ?? work();
  known.set(key, value);
  return value;
}
