import { posix } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import type { Header } from "tar-stream";
import { errorMessage, KubefileError } from "../error.ts";
import type { Platform } from "../oci/descriptor.ts";
import { type Digest, isDigest } from "../oci/digest.ts";
import { parseManifest } from "../oci/manifest.ts";
import { formatReference, isRepositoryPath, isTag, parseReference } from "../oci/reference.ts";
import { decompress } from "../rootfs/decompress.ts";
import { readEntries } from "../rootfs/read-entries.ts";
import { defaultLimits } from "../rootfs/unpack-rules.ts";
import { OPAQUE_WHITEOUT, WHITEOUT_PREFIX } from "../rootfs/whiteout.ts";
import type { Store } from "../store/types.ts";
import type { RootfsLayer } from "./assemble.ts";
import { checkPresence, walkImages } from "./blob-graph.ts";
import type { ClusterImageConfig } from "./types.ts";

export interface CarriedOptions {
  readonly store: Store;
  /** In the store, in the order in which they are applied. */
  readonly layers: readonly RootfsLayer[];
  readonly platform: Platform;
  /** What messages call the image that carries them. */
  readonly name: string;
  readonly signal: AbortSignal;
}

export interface CarriedImages {
  /** Whole in the store; sorted by reference. */
  readonly images: ClusterImageConfig["images"];
  /** References of those that lack something for the platform. */
  readonly incomplete: readonly string[];
}

/** Where a registry of the distribution project keeps its content below its root. */
const ROOT = "registry/docker/registry/v2/";
const blobPath = /^blobs\/sha256\/([0-9a-f]{2})\/([0-9a-f]{64})\/data$/;
const tagPath = /^repositories\/(.{1,255})\/_manifests\/tags\/([^/]{1,128})\/current\/link$/;
/** Bytes; a digest has 71. */
const LONGEST_LINK = 256;

/**
 * Brings the container images into the store that sealer has put into an image's rootfs, in the directory of a registry
 * (`registry/docker/registry/v2`). Only paths of just that form are looked at, links of a file system never, and blobs are
 * verified on their way. sealer keeps no registry's name: repositories are taken for those of docker.io.
 *
 * @throws KubefileError ARTIFACT_INVALID for content that is not what its path says, UNSAFE_ARCHIVE for no whole tar
 */
export async function readCarriedImages(options: CarriedOptions): Promise<CarriedImages> {
  const { store, platform, signal } = options;
  let tags = new Map<string, Digest>();
  for (const layer of options.layers) tags = await readLayer(layer, tags, options);
  const roots = [...tags].map(([path, digest]) => ({ reference: referenceOf(path), digest }));
  const known = roots
    .flatMap(({ reference, digest }) => (reference === undefined ? [] : [{ reference, digest }]))
    .sort((left, right) => (left.reference < right.reference ? -1 : 1));
  const walked = await checkPresence(store, await walkImages(store, known, platform, signal));
  const images: ClusterImageConfig["images"][number][] = [];
  for (const { reference, digest, problems } of walked) {
    if (problems.length > 0) continue;
    const { mediaType } = parseManifest(await store.readSmall(digest));
    images.push({ reference, digest, mediaType });
  }
  const incomplete = walked.filter(({ problems }) => problems.length > 0).map(({ reference }) => reference);
  return { images, incomplete };
}

/** @returns the tags' links by path, as they are above this layer */
async function readLayer(
  { descriptor }: RootfsLayer,
  below: ReadonlyMap<string, Digest>,
  { store, name, signal }: CarriedOptions,
): Promise<Map<string, Digest>> {
  const removed: string[] = [];
  const added = new Map<string, Digest>();
  const entry = async (header: Header, content: AsyncIterable<Uint8Array>): Promise<void> => {
    const path = header.name.replace(/^(?:\.?\/)+/, "");
    const file = posix.basename(path);
    if (file === OPAQUE_WHITEOUT) removed.push(`${posix.dirname(path)}/`);
    else if (file.startsWith(WHITEOUT_PREFIX)) {
      removed.push(`${posix.dirname(path)}/${file.slice(WHITEOUT_PREFIX.length)}`);
    }
    if (header.type !== "file" || !path.startsWith(ROOT)) return;
    const inner = path.slice(ROOT.length);
    const [, start = "", hex = ""] = blobPath.exec(inner) ?? [];
    const digest = `sha256:${hex}`;
    if (isDigest(digest) && hex.startsWith(start)) await keepBlob(digest, header.size ?? 0, content);
    else if (tagPath.test(inner)) added.set(path, await readLink(path, header.size ?? 0, content));
  };
  const keepBlob = async (digest: Digest, size: number, content: AsyncIterable<Uint8Array>): Promise<void> => {
    if ((await store.has(digest)) !== undefined) return;
    await store.write(Readable.from(content), { expected: digest, size, signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw invalid(name, `its registry holds other content under ${digest}: ${errorMessage(error)}`, error);
    });
  };
  const readLink = async (path: string, size: number, content: AsyncIterable<Uint8Array>): Promise<Digest> => {
    const text = size > LONGEST_LINK ? "" : (await buffer(content)).toString("latin1").trim();
    if (isDigest(text)) return text;
    throw invalid(name, `${path} names no digest`);
  };
  const { stream } = await store.open(descriptor.digest);
  await readEntries(
    await decompress(stream),
    { archive: `a layer of ${name}`, counted: atMost(defaultLimits.bytes, name), entry },
    signal,
  );
  const isGone = (path: string): boolean =>
    removed.some((gone) => (gone.endsWith("/") ? path.startsWith(gone) : path === gone || path.startsWith(`${gone}/`)));
  return new Map([...[...below].filter(([path]) => !isGone(path)), ...added]);
}

/** Compressed bytes may stand for any number of others. */
function atMost(limit: number, name: string) {
  return async function* (chunks: AsyncIterable<string | Buffer>): AsyncGenerator<string | Buffer> {
    let bytes = 0;
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > limit) throw new KubefileError("UNSAFE_ARCHIVE", `a layer of ${name} has more than ${limit} bytes`);
      yield chunk;
    }
  };
}

/** Undefined for what is no repository and tag; nobody can ask for those. */
function referenceOf(path: string): string | undefined {
  const [, repository = "", tag = ""] = tagPath.exec(path.slice(ROOT.length)) ?? [];
  if (!isRepositoryPath(repository) || !isTag(tag)) return undefined;
  return formatReference(parseReference(`docker.io/${repository}:${tag}`));
}

function invalid(name: string, why: string, cause?: unknown): KubefileError {
  return new KubefileError("ARTIFACT_INVALID", `${name}: ${why}`, {
    hint: "build the image again with sealer, or take its files with COPY --from",
    cause,
  });
}
