import { randomUUID } from "node:crypto";
import { open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract } from "tar-stream";
import { errorMessage, KubefileError } from "../error.ts";
import { canonicalJson } from "../oci/canonical-json.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { hexOf, isDigest } from "../oci/digest.ts";
import { MAX_MANIFEST_BYTES, parseManifest } from "../oci/manifest.ts";
import { OCI_INDEX } from "../oci/media-types.ts";
import { formatReference, type Reference } from "../oci/reference.ts";
import { aboutFile } from "../process/disk-full.ts";
import { readAtMost } from "../process/read-at-most.ts";
import { requireSize } from "../rootfs/read-entries.ts";
import { untilEnd } from "../rootfs/tar-end.ts";
import type { Store } from "../store/types.ts";
import { type ClusterImage, uploadsOf } from "./cluster-image.ts";
import type { ClusterIndex } from "./cluster-index.ts";
import { tarEnd, tarHeader, tarPadding } from "./tar-entry.ts";

/** OCI image-spec annotations.md: the name that `skopeo oci-archive:FILE:NAME` asks for. */
const REF_NAME = "org.opencontainers.image.ref.name";
/** What containerd calls an imported image. */
const CONTAINERD_NAME = "io.containerd.image.name";

export interface ExportOptions {
  readonly store: Store;
  /** Of an index all that is below it, too. */
  readonly image: ClusterImage | ClusterIndex;
  /** One entry of the index each; one without a name when there are none. */
  readonly references?: readonly Reference[];
  /** The file to write; its directory exists. Replaced when it is there. */
  readonly destination: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes a cluster image, or an index of several, as a tar of an OCI image layout (image-spec, image-layout.md). The same image and names give
 * the same bytes. The file appears under its name when it is whole.
 *
 * @throws KubefileError USAGE when the file cannot be made, DISK_SHORT, STORE_CORRUPT when a blob is absent
 */
export async function exportOciLayout(options: ExportOptions): Promise<{ size: number }> {
  const { destination, signal } = options;
  const partial = join(dirname(destination), `.${basename(destination)}.${randomUUID()}.partial`);
  const file = await open(partial, "wx", 0o644).catch((error: unknown) =>
    Promise.reject(unwritable(destination, error)),
  );
  try {
    try {
      const write = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
        for await (const chunk of chunks) await file.writeFile(chunk);
      };
      await pipeline(archiveOf(options), write, { signal });
      await file.sync();
    } finally {
      await file.close();
    }
    const { size } = await stat(partial);
    await rename(partial, destination).catch((error: unknown) => Promise.reject(unwritable(destination, error)));
    return { size };
  } catch (error) {
    await rm(partial, { force: true });
    throw aboutFile(destination, error);
  }
}

/**
 * Reads the tar of an OCI image layout into the store. It may come from anywhere: every blob is verified, and
 * entries that are no part of a layout are passed over.
 *
 * @param options.name what messages call it
 * @returns what its index names
 * @throws KubefileError ARTIFACT_INVALID, UNSAFE_ARCHIVE, STORE_CORRUPT when a blob is not what its name says
 */
export async function importOciLayout(
  layout: Readable,
  store: Store,
  options: { readonly name: string; readonly signal?: AbortSignal | undefined },
): Promise<readonly Descriptor[]> {
  const { name: file, signal } = options;
  const archive = extract();
  const reading = pipeline(layout, untilEnd, archive, { signal });
  const small = new Map<string, Buffer>();
  const storeEntries = async (): Promise<void> => {
    for await (const entry of archive) {
      requireSize(entry.header);
      const name = entry.header.name.replace(/^\.\//, "");
      const digest = `sha256:${/^blobs\/sha256\/([^/]*)$/.exec(name)?.[1] ?? ""}`;
      const isBlob = isDigest(digest);
      if ((isBlob || name === "index.json" || name === "oci-layout") && entry.header.type !== "file") {
        throw new KubefileError("UNSAFE_ARCHIVE", `${file}: ${name} is a ${entry.header.type}, not a file`);
      }
      if (isBlob) await store.write(Readable.from(entry), { expected: digest, size: entry.header.size, signal });
      else if (name === "index.json" || name === "oci-layout")
        small.set(name, await readSmall(Readable.from(entry), file, name));
      else entry.resume();
    }
  };
  try {
    await Promise.all([reading, storeEntries()]);
  } catch (error) {
    archive.destroy();
    await reading.catch(() => undefined);
    if (error instanceof KubefileError || signal?.aborted) throw error;
    throw invalid(file, errorMessage(error), error);
  }
  return readIndex(file, store, small);
}

async function* archiveOf({ store, image, references = [] }: ExportOptions): AsyncGenerator<Buffer> {
  yield tarHeader({ name: "blobs/", type: "directory", size: 0 });
  yield tarHeader({ name: "blobs/sha256/", type: "directory", size: 0 });
  yield smallFile("oci-layout", { imageLayoutVersion: "1.0.0" });
  yield smallFile("index.json", indexOf(image, references));
  const images = "images" in image ? image.images : [image];
  const below = images.flatMap((each) => [...uploadsOf(each), each.descriptor]);
  const digests = [...new Set([...below, image.descriptor].map(({ digest }) => digest))].sort();
  for (const digest of digests) {
    const { size, stream } = await store.open(digest);
    yield tarHeader({ name: `blobs/sha256/${hexOf(digest)}`, type: "file", size });
    yield* stream;
    yield tarPadding(size);
  }
  yield tarEnd;
}

function smallFile(name: string, content: unknown): Buffer {
  const bytes = Buffer.from(canonicalJson(content));
  const size = bytes.byteLength;
  return Buffer.concat([tarHeader({ name, type: "file", size }), bytes, tarPadding(size)]);
}

function indexOf({ descriptor }: ClusterImage | ClusterIndex, references: readonly Reference[]): unknown {
  const names = references.map((reference) => ({
    [CONTAINERD_NAME]: formatReference(reference),
    ...(reference.tag === undefined ? {} : { [REF_NAME]: reference.tag }),
  }));
  const manifests = names.length === 0 ? [descriptor] : names.map((annotations) => ({ ...descriptor, annotations }));
  return { schemaVersion: 2, mediaType: OCI_INDEX, manifests };
}

async function readSmall(entry: Readable, file: string, name: string): Promise<Buffer> {
  const bytes = await readAtMost(entry, MAX_MANIFEST_BYTES);
  if (bytes === undefined) throw invalid(file, `${name} has more than ${MAX_MANIFEST_BYTES} bytes`);
  return bytes;
}

async function readIndex(
  file: string,
  store: Store,
  small: ReadonlyMap<string, Buffer>,
): Promise<readonly Descriptor[]> {
  const bytes = small.get("index.json");
  if (bytes === undefined || !small.has("oci-layout")) throw invalid(file, "it has no oci-layout or no index.json");
  const index = parseManifest(bytes, OCI_INDEX);
  if (index.kind !== "index") throw invalid(file, "its index.json is not an index");
  for (const { digest, size } of index.manifests) {
    if ((await store.has(digest))?.size !== size) throw invalid(file, `it names ${digest}, but does not hold it`);
  }
  return index.manifests;
}

function invalid(file: string, why: string, cause?: unknown): KubefileError {
  return new KubefileError("ARTIFACT_INVALID", `${file} is not the tar of an OCI layout: ${why}`, {
    hint: "write one with `kubefile build -o type=oci,dest=FILE`",
    cause,
  });
}

function unwritable(destination: string, error: unknown): KubefileError {
  return new KubefileError("USAGE", `cannot write ${destination}: ${errorMessage(error)}`, {
    hint: "name a file in a directory that exists and that you may write to",
    cause: error,
  });
}
