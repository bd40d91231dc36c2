import { KubefileError } from "../error.ts";
import { walkImages } from "../image/blob-graph.ts";
import { rootfsLayers } from "../image/cluster-image.ts";
import { type DiffedFiles, type DiffInput, diffClusterImages } from "../image/diff.ts";
import type { ImageDiff } from "../image/diff-types.ts";
import type { Platform } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { joinLayers, type Leaf } from "../rootfs/join-layers.ts";
import { type LayerFiles, listLayer, type ReadingBudget } from "../rootfs/layer-files.ts";
import { openStore } from "../store/store.ts";
import type { Host } from "./host.ts";
import { type ImageName, type ImageSource, openImageSource } from "./image-source.ts";

export interface DiffOptions {
  readonly from: ImageName;
  readonly to: ImageName;
  /** False: layers of the rootfs are compared by digest alone, and not read. */
  readonly files: boolean;
  /** Which to take of an index; this machine's when absent. */
  readonly platform: Platform | undefined;
}

/** Reading more would take minutes and all memory; a rootfs is manifests, charts and a few programs. */
const limits: ReadingBudget = { entries: 200_000, bytes: 4 * 1024 ** 3 };

/** Compares two cluster images, each a file, a name given here or one in a registry. */
export async function diff(host: Host, options: DiffOptions): Promise<ImageDiff> {
  const store = await openStore(host.directories.store, { signal: host.signal });
  try {
    return await host.progress.phase("compare", async (phase) => {
      const from = await openImageSource(host, store, options.from, options.platform);
      const to = await openImageSource(host, store, options.to, options.platform);
      const files = options.files
        ? await readFiles(host, from, to, (text) => phase.update(text))
        : { notCompared: "as --no-files asks" };
      const inputs = await Promise.all([inputOf(options.from, from), inputOf(options.to, to)]);
      return diffClusterImages(...inputs, files);
    });
  } finally {
    await store.close();
  }
}

async function inputOf({ name }: ImageName, { image, content }: ImageSource): Promise<DiffInput> {
  const walked = await walkImages(content, image.config.images, image.config.platform);
  return { reference: name, image, walked };
}

/** The same layers make the same files; of others each is read once. What cannot be read is no failure, but is told. */
async function readFiles(
  host: Host,
  from: ImageSource,
  to: ImageSource,
  tell: (text: string) => void,
): Promise<DiffedFiles> {
  const [before, after] = [from, to].map(({ image }) =>
    rootfsLayers(image)
      .map(({ digest }) => digest)
      .join(),
  );
  if (before === after) return { from: new Map(), to: new Map() };
  const budget = { ...limits };
  const known = new Map<Digest, LayerFiles>();
  const treeOf = async (source: ImageSource): Promise<ReadonlyMap<string, Leaf>> => {
    const layers: LayerFiles[] = [];
    for (const layer of rootfsLayers(source.image)) {
      tell(`reading rootfs layer ${layer.digest}`);
      const files = known.get(layer.digest) ?? (await listLayer(await source.openLayer(layer), budget, host.signal));
      known.set(layer.digest, files);
      layers.push(files);
    }
    return joinLayers(layers);
  };
  try {
    return { from: await treeOf(from), to: await treeOf(to) };
  } catch (error) {
    const isUnreadable = error instanceof KubefileError && ["UNSAFE_ARCHIVE", "UNSUPPORTED"].includes(error.code);
    if (isUnreadable) return { notCompared: error.message };
    throw error;
  }
}
