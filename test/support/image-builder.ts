import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { gzip } from "pako";
import { pack } from "tar-stream";
import { canonicalJson } from "../../src/oci/canonical-json.ts";
import { DOCKER_LIST, DOCKER_MANIFEST, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST } from "../../src/oci/media-types.ts";

export type Entry =
  | { readonly path: string; readonly content: string | Buffer; readonly mode?: number }
  | { readonly path: string; readonly target: string };

export interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  readonly bytes: Buffer;
}

export interface Layer {
  /** Of the uncompressed tar. */
  readonly diffId: string;
  readonly bytes: Buffer;
  readonly compressed: boolean;
}

/** An image or index with everything below it, the root last. */
export interface Image {
  readonly platform?: Platform;
  readonly root: Blob;
  readonly blobs: readonly Blob[];
}

export interface Platform {
  readonly os: string;
  readonly architecture: string;
}

/** Which of the two families of media types a registry's images have. */
export type Format = "docker" | "oci";

/** Same entries, same bytes on every machine: pako rather than zlib, whose output changes with Node. */
export async function buildLayer(
  entries: readonly Entry[],
  options: { readonly compressed?: boolean; readonly level?: 1 | 6 } = {},
): Promise<Layer> {
  const archive = pack();
  const whole = buffer(archive);
  for (const entry of entries) {
    const common = { name: entry.path, mtime: new Date(0), uid: 0, gid: 0 };
    if ("target" in entry) archive.entry({ ...common, type: "symlink", linkname: entry.target });
    else if (entry.path.endsWith("/")) archive.entry({ ...common, type: "directory", mode: entry.mode ?? 0o755 });
    else archive.entry({ ...common, mode: entry.mode ?? 0o644 }, entry.content);
  }
  archive.finalize();
  const tar = await whole;
  const compressed = options.compressed ?? true;
  return {
    diffId: digestOf(tar),
    compressed,
    bytes: compressed ? Buffer.from(gzip(tar, { level: options.level ?? 6 })) : tar,
  };
}

export interface ImageOptions {
  readonly format: Format;
  readonly layers: readonly Layer[];
  readonly entrypoint: readonly string[];
  readonly platform?: Platform;
}

export function buildImage({ format, layers, entrypoint, platform = hostPlatform }: ImageOptions): Image {
  const config = {
    ...platform,
    created: "1970-01-01T00:00:00Z",
    config: { Entrypoint: entrypoint, Env: ["PATH=/usr/bin:/bin"] },
    rootfs: { type: "layers", diff_ids: layers.map((layer) => layer.diffId) },
    history: layers.map(() => ({ created: "1970-01-01T00:00:00Z" })),
  };
  return imageOf({ format, layers, config: Buffer.from(canonicalJson(config)), platform });
}

/** An image around a config that exists already. */
export function imageOf(options: {
  readonly format: Format;
  readonly layers: readonly Layer[];
  readonly config: Buffer;
  readonly platform: Platform;
}): Image {
  const docker = options.format === "docker";
  const config = blob(docker ? "application/vnd.docker.container.image.v1+json" : OCI_CONFIG, options.config);
  const layers = options.layers.map((layer) => blob(layerType(options.format, layer.compressed), layer.bytes));
  const mediaType = docker ? DOCKER_MANIFEST : OCI_MANIFEST;
  const root = document(mediaType, { config: descriptor(config), layers: layers.map(descriptor) });
  return { platform: options.platform, root, blobs: [...layers, config, root] };
}

/** An index, in Docker's words a manifest list, of images for several platforms. */
export function buildIndex(format: Format, images: readonly Image[]): Image {
  const manifests = images.map((image) => ({ ...descriptor(image.root), platform: image.platform }));
  const root = document(format === "docker" ? DOCKER_LIST : OCI_INDEX, { manifests });
  return { root, blobs: [...images.flatMap((image) => image.blobs), root] };
}

export const hostPlatform: Platform = { os: "linux", architecture: process.arch === "x64" ? "amd64" : process.arch };

function layerType(format: Format, compressed: boolean): string {
  if (format === "oci") return `application/vnd.oci.image.layer.v1.tar${compressed ? "+gzip" : ""}`;
  return `application/vnd.docker.image.rootfs.diff.tar${compressed ? ".gzip" : ""}`;
}

function document(mediaType: string, content: object): Blob {
  return blob(mediaType, Buffer.from(canonicalJson({ schemaVersion: 2, mediaType, ...content })));
}

function blob(mediaType: string, bytes: Buffer): Blob {
  return { mediaType, digest: digestOf(bytes), bytes };
}

function descriptor({ mediaType, digest, bytes }: Blob): { mediaType: string; digest: string; size: number } {
  return { mediaType, digest, size: bytes.byteLength };
}

export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
