import { formatPlatform } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { diffFiles, type FileChanges } from "../rootfs/diff-files.ts";
import type { Leaf } from "../rootfs/join-layers.ts";
import type { ImageBlobs } from "./blob-graph.ts";
import { type ClusterImage, rootfsLayers, totalSize, uploadsOf } from "./cluster-image.ts";
import { diffCapturedImages, diffLayers } from "./diff-images.ts";
import { diffLaunch } from "./diff-launch.ts";
import type { DiffSide, FileFacts, FileLists, ImageDiff, SizedBlob, ValueChange } from "./diff-types.ts";
import type { App } from "./types.ts";

/** One of two cluster images that are compared. */
export interface DiffInput {
  /** As the user named it. */
  readonly reference: string;
  readonly image: ClusterImage;
  /** What its captured images consist of, in their order. */
  readonly walked: readonly ImageBlobs[];
}

/** The files of both rootfs, or why they were not read. */
export type DiffedFiles =
  | { readonly from: ReadonlyMap<string, Leaf>; readonly to: ReadonlyMap<string, Leaf> }
  | { readonly notCompared: string };

/** Compares two cluster images; the same two give the same result. */
export function diffClusterImages(from: DiffInput, to: DiffInput, files: DiffedFiles): ImageDiff {
  const [before, after] = [from.image.config, to.image.config];
  return {
    schemaVersion: 1,
    from: sideOf(from),
    to: sideOf(to),
    identical: from.image.digest === to.image.digest,
    transfer: transferOf(from.image, to.image),
    properties: diffValues(propertiesOf(from.image), propertiesOf(to.image)),
    images: diffCapturedImages(from, to),
    rootfs: {
      layers: diffLayers(rootfsLayers(from.image), rootfsLayers(to.image)),
      ...("notCompared" in files ? files : { files: fileLists(diffFiles(files.from, files.to)) }),
    },
    launch: diffLaunch(before.launch.commands, after.launch.commands),
    apps: diffApps(before.apps, after.apps),
    env: diffValues(before.env, after.env),
    labels: diffValues(before.labels, after.labels),
    annotations: diffValues(from.image.manifest.annotations, to.image.manifest.annotations),
  };
}

/** By name; `from` or `to` is absent where a side has no such name. */
export function diffValues(
  from: Readonly<Record<string, string>>,
  to: Readonly<Record<string, string>>,
): readonly ValueChange[] {
  return [...new Set([...Object.keys(from), ...Object.keys(to)])].sort().flatMap((name) => {
    const [before, after] = [from, to].map((values) => (Object.hasOwn(values, name) ? values[name] : undefined));
    if (before === after) return [];
    return [{ name, ...(before === undefined ? {} : { from: before }), ...(after === undefined ? {} : { to: after }) }];
  });
}

function sideOf({ reference, image }: DiffInput): DiffSide {
  return {
    reference,
    digest: image.digest,
    platform: formatPlatform(image.config.platform),
    size: totalSize(image),
  };
}

/** Sites fetch blob by blob, whatever the blobs belong to. */
function transferOf(from: ClusterImage, to: ClusterImage): ImageDiff["transfer"] {
  const blobsOf = (image: ClusterImage): readonly SizedBlob[] => [...uploadsOf(image), image.descriptor];
  const held = new Set<Digest>(blobsOf(from).map(({ digest }) => digest));
  const missing = blobsOf(to).filter(({ digest }) => !held.has(digest));
  return { blobs: missing.length, bytes: missing.reduce((sum, { size }) => sum + size, 0) };
}

function propertiesOf({ config, profile }: ClusterImage): Record<string, string> {
  const { kubernetesVersion, maintainer } = config;
  return {
    grade: config.grade,
    network: config.needsNetwork ? "needed" : "not needed",
    platform: formatPlatform(config.platform),
    format: profile,
    ...(kubernetesVersion === undefined ? {} : { kubernetes: kubernetesVersion }),
    ...(maintainer === undefined ? {} : { maintainer }),
  };
}

function diffApps(from: readonly App[], to: readonly App[]): ImageDiff["apps"] {
  const before = new Map(from.map((app) => [app.name, app]));
  const after = new Map(to.map((app) => [app.name, app]));
  return {
    added: to.filter(({ name }) => !before.has(name)),
    removed: from.filter(({ name }) => !after.has(name)),
    changed: to.flatMap((app) => {
      const old = before.get(app.name);
      return old === undefined || JSON.stringify(old) === JSON.stringify(app) ? [] : [{ from: old, to: app }];
    }),
  };
}

function fileLists({ added, removed, changed, unchanged }: FileChanges): FileLists {
  return {
    added: added.map(({ path, to }) => ({ path, ...factsOf(to) })),
    removed: removed.map(({ path, from }) => ({ path, ...factsOf(from) })),
    changed: changed.map(({ path, from, to }) => ({ path, from: factsOf(from), to: factsOf(to) })),
    unchanged,
  };
}

function factsOf(leaf: Leaf): FileFacts {
  if (leaf.type === "link") return { type: "link", target: leaf.target };
  const { size, mode, digest } = leaf;
  return { type: "file", size, mode: mode.toString(8).padStart(4, "0"), digest };
}
