import { KubefileError } from "../error.ts";
import type { Descriptor, Platform } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { MAX_IMAGE_CONFIG_BYTES, parseImageConfig } from "../oci/image-config.ts";
import { parseManifest, selectPlatform } from "../oci/manifest.ts";
import { formatReference, type Reference } from "../oci/reference.ts";
import { refuseForeignLayers } from "../registry/manifest-facts.ts";
import type { Upstream } from "../registry/types.ts";
import type { Store } from "../store/types.ts";
import type { RootfsLayer } from "./assemble.ts";
import { type ClusterImage, type ImageManifest, rootfsLayers } from "./cluster-image.ts";
import { blobFetcher, fetchDescription } from "./load.ts";
import { isClusterManifest } from "./profiles.ts";
import { registryFailure } from "./registry-failure.ts";
import { isSealerImage, readSealerExtension } from "./sealer-extension.ts";
import type { ClusterImageConfig } from "./types.ts";

/** What a stage inherits from the image that its FROM names. Its layers need not be in the store. */
export interface BaseImage {
  /** As it was asked for, in full. */
  readonly reference: Reference;
  /** Of the manifest for the platform. */
  readonly digest: Digest;
  /** In the order in which they are applied. */
  readonly layers: readonly RootfsLayer[];
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly maintainer?: string;
  readonly kubernetesVersion?: string;
  readonly apps: readonly BaseApp[];
  /** Absent when the image starts nothing. */
  readonly launch?: BaseLaunch;
  /** What a cluster image has captured. */
  readonly images: ClusterImageConfig["images"];
  /** Its rootfs may hold a registry's directory with images, since sealer has built it. */
  readonly mayCarryImages?: boolean;
}

/** An application whose files are in the image. */
export interface BaseApp {
  readonly name: string;
  readonly kind: "app" | "cni" | "csi";
  readonly env: Readonly<Record<string, string>>;
  /** What starts it, when its files do not tell. */
  readonly command?: string;
}

export type BaseLaunch =
  | { readonly kind: "commands"; readonly commands: readonly string[] }
  | { readonly kind: "apps"; readonly names: readonly string[] };

export interface BaseImageOptions {
  readonly client: Upstream;
  readonly store: Store;
  readonly reference: Reference;
  /** What the reference stands for: an index or a manifest. */
  readonly digest: Digest;
  readonly platform: Platform;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Brings manifest and config of an image into the store, and with a cluster image the manifests of what it has captured:
 * enough to plan a build on it. Layers are fetched when they are needed.
 *
 * @throws KubefileError REGISTRY, ARTIFACT_INVALID
 */
export async function fetchBaseImage(options: BaseImageOptions): Promise<BaseImage> {
  const { reference, store, signal } = options;
  const name = formatReference(reference);
  const { digest, manifest } = await platformManifest(options);
  if (isClusterManifest(manifest)) {
    return fromClusterImage(reference, await fetchDescription({ ...options, reference: { ...reference, digest } }));
  }
  try {
    refuseForeignLayers(manifest, name);
    await store.ensure(manifest.config.digest, blobFetcher(options, manifest.config), { signal });
  } catch (error) {
    throw registryFailure("fetch", reference.host, error);
  }
  const config = parseImageConfig(await store.readSmall(manifest.config.digest, MAX_IMAGE_CONFIG_BYTES), name);
  return {
    reference,
    digest,
    layers: layersOf(manifest, config.diffIds, name),
    labels: config.labels,
    ...(config.author === undefined ? {} : { maintainer: config.author }),
    images: [],
    ...(isSealerImage(manifest.annotations) ? { mayCarryImages: true } : {}),
    ...readSealerExtension(manifest.annotations, { env: withoutPath(config.env), labels: config.labels, name }),
  };
}

function fromClusterImage(reference: Reference, image: ClusterImage): BaseImage {
  const { env, labels, maintainer, kubernetesVersion, apps, launch, rootfs, images } = image.config;
  const layers = rootfsLayers(image).map(({ digest, size, mediaType }, position) => ({
    descriptor: { digest, size, mediaType },
    diffId: rootfs.diffIds[position] ?? digest,
  }));
  const names = [...new Set(launch.commands.map(({ app }) => app))].filter((app) => app !== undefined);
  const isByApps = launch.commands.every(({ app }) => app !== undefined);
  const baseLaunch: BaseLaunch = isByApps
    ? { kind: "apps", names }
    : { kind: "commands", commands: launch.commands.map(({ command }) => command) };
  return {
    ...{ reference, digest: image.digest, layers, env, labels, images },
    ...(maintainer === undefined ? {} : { maintainer }),
    ...(kubernetesVersion === undefined ? {} : { kubernetesVersion }),
    apps: apps.map(({ name, kind, env: appEnv, command }) => {
      return { name, kind, env: appEnv, ...(command === undefined ? {} : { command }) };
    }),
    ...(launch.commands.length === 0 ? {} : { launch: baseLaunch }),
  };
}

/** Follows an index down to the platform's manifest; manifests that the store has are not asked for. */
async function platformManifest(
  options: BaseImageOptions,
): Promise<{ readonly digest: Digest; readonly manifest: ImageManifest }> {
  const { reference, platform } = options;
  const top = parseManifest(await manifestBytes(options, options.digest));
  if (top.kind === "image") return { digest: options.digest, manifest: top };
  const child = selectPlatform(top.manifests, platform);
  if (child === undefined) {
    const wanted = `${platform.os}/${platform.architecture}`;
    throw new KubefileError("ARTIFACT_INVALID", `${formatReference(reference)} has no image for ${wanted}`, {
      hint: "name an image that is built for the platform of this machine",
    });
  }
  const manifest = parseManifest(await manifestBytes(options, child.digest));
  if (manifest.kind === "image") return { digest: child.digest, manifest };
  throw new KubefileError("ARTIFACT_INVALID", `${formatReference(reference)} is an index of indexes`);
}

async function manifestBytes(options: BaseImageOptions, digest: Digest): Promise<Buffer> {
  const { client, store, reference, signal } = options;
  if ((await store.has(digest)) !== undefined) return store.readSmall(digest);
  try {
    const { bytes } = await client.manifest(reference, digest, { signal });
    await store.write(bytes, { expected: digest, signal });
    return bytes;
  } catch (error) {
    throw registryFailure("fetch", reference.host, error);
  }
}

function layersOf(
  { layers }: { readonly layers: readonly Descriptor[] },
  diffIds: readonly Digest[],
  name: string,
): readonly RootfsLayer[] {
  if (layers.length !== diffIds.length) {
    const message = `the manifest of ${name} has ${layers.length} layers, its config ${diffIds.length}`;
    throw new KubefileError("ARTIFACT_INVALID", message);
  }
  return layers.map(({ digest, size, mediaType }, position) => {
    return { descriptor: { digest, size, mediaType }, diffId: diffIds[position] ?? digest };
  });
}

/** A container's PATH names directories of its own root, which the rootfs of a cluster image is not. */
function withoutPath({ PATH: _path, ...env }: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return env;
}
