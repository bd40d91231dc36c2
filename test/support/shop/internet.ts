import { type DockerRegistry, startDockerRegistry } from "../docker-registry.ts";
import { uploadImage } from "../image-upload.ts";
import { buildShopImages, type ShopImage } from "./images.ts";
import { nodePauseImage } from "./node-pause.ts";

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export interface PublishedImage {
  /** `docker.io/shop/web:2.1`. */
  readonly reference: string;
  /** Of the index or manifest that the tag names. */
  readonly digest: string;
}

/** Real registries on this machine's loopback that play those of the world. */
export interface Internet {
  /** Registry name as image references write it, to the URL of who plays it. */
  readonly mirrors: Readonly<Record<string, string>>;
  /** What the registry of a name needs, where it needs any. */
  readonly credentials: Readonly<Record<string, Credentials>>;
  readonly images: readonly PublishedImage[];
  /** The registries themselves, for their logs. */
  readonly registries: Readonly<Record<string, DockerRegistry>>;
  stop(): Promise<void>;
}

/** As in examples/shop, where the pull secret has them. */
export const shopRegistry = "registry.shop.test:5000";
export const shopCredentials: Credentials = { username: "shop", password: "corner-shop-42" };

const hosts = ["docker.io", "quay.io", "registry.k8s.io", "ghcr.io", shopRegistry];

/**
 * Starts the registries and fills them with all that examples/shop needs.
 *
 * @param nodeImage whose pause image registry.k8s.io shall hold; without one, that registry is empty
 */
export async function startInternet(options: { readonly nodeImage?: string } = {}): Promise<Internet> {
  const nodeImage = options.nodeImage;
  const pause = async (): Promise<ShopImage[]> =>
    nodeImage === undefined
      ? []
      : [{ host: "registry.k8s.io", repository: "pause", tag: "3.10", image: await nodePauseImage(nodeImage) }];
  const [images, pauseImages, started] = await Promise.all([buildShopImages(), pause(), startRegistries()]);
  const published = [...images, ...pauseImages];
  const stop = async (): Promise<void> => {
    await Promise.all([...started.values()].map((registry) => registry.stop()));
  };
  try {
    await Promise.all(published.map((image) => publish(image, started)));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    mirrors: Object.fromEntries([...started].map(([host, registry]) => [host, registry.url])),
    credentials: { [shopRegistry]: shopCredentials },
    images: published.map(({ host, repository, tag, image }) => ({
      reference: `${host}/${repository}:${tag}`,
      digest: image.root.digest,
    })),
    registries: Object.fromEntries(started),
    stop,
  };
}

async function startRegistries(): Promise<Map<string, DockerRegistry>> {
  const pairs = hosts.map(
    async (host) => [host, await startDockerRegistry(host === shopRegistry ? { auth: shopCredentials } : {})] as const,
  );
  return new Map(await Promise.all(pairs));
}

async function publish({ host, repository, tag, image }: ShopImage, started: Map<string, DockerRegistry>) {
  const registry = started.get(host);
  if (registry === undefined) throw new Error(`no registry plays ${host}`);
  const credentials = host === shopRegistry ? { credentials: shopCredentials } : {};
  await uploadImage({ url: registry.url, ...credentials }, repository, tag, image);
}
