import type { Grade } from "../capture/types.ts";
import type { Digest } from "../oci/digest.ts";
import type { Manifest } from "../oci/manifest.ts";
import { type ClusterImage, totalSize } from "./cluster-image.ts";
import { platformName } from "./cluster-index.ts";
import { formatIndexSummary, type IndexedPlatform } from "./index-text.ts";
import { type TextOptions, textStyle } from "./text-style.ts";
import { cut, plainText } from "./text-table.ts";

/** What `kubefile inspect` shows of an index over cluster images. Sizes in bytes. */
export interface IndexInspection {
  readonly reference: string;
  readonly digest: Digest;
  readonly mediaType: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** In the order of the index. */
  readonly platforms: readonly InspectedPlatform[];
}

export interface InspectedPlatform extends IndexedPlatform {
  readonly grade: Grade;
  readonly needsNetwork: boolean;
  readonly mediaType: string;
  /** How many it has captured. */
  readonly images: number;
}

export function inspectIndex(index: {
  readonly name: string;
  readonly digest: Digest;
  readonly manifest: Extract<Manifest, { kind: "index" }>;
  readonly images: readonly ClusterImage[];
}): IndexInspection {
  const { name, digest, manifest, images } = index;
  return {
    reference: name,
    digest,
    mediaType: manifest.mediaType,
    annotations: manifest.annotations,
    platforms: images.map((image) => ({
      platform: platformName(image),
      digest: image.digest,
      mediaType: image.manifest.mediaType,
      grade: image.config.grade,
      needsNetwork: image.config.needsNetwork,
      images: image.config.images.length,
      size: totalSize(image),
    })),
  };
}

/** The text of `kubefile inspect` for an index. */
export function formatIndexInspection(inspection: IndexInspection, options: TextOptions): string {
  const { reference, digest, platforms, annotations } = inspection;
  const lines = Object.entries(annotations).map(([name, value]) => {
    return `  ${cut(plainText(`${name}=${value}`), (options.width ?? 100) - 2)}`;
  });
  const section = lines.length === 0 ? [] : [textStyle(options.color).heading("Annotations"), ...lines.sort(), ""];
  return [formatIndexSummary({ digest, references: [reference], platforms }, options), ...section].join("\n");
}
