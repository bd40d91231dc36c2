import pLimit from "p-limit";
import { errorMessage, KubefileError } from "../error.ts";
import { type Descriptor, formatPlatform, type Platform } from "../oci/descriptor.ts";
import { type Digest, digestOf } from "../oci/digest.ts";
import { MAX_MANIFEST_BYTES, parseManifest } from "../oci/manifest.ts";
import { selectImage } from "../oci/select-image.ts";
import type { BlobReader } from "../store/types.ts";
import type { ClusterBlob } from "./blob-roles.ts";

/** What one captured image consists of on one platform. */
export interface ImageBlobs {
  readonly reference: string;
  readonly digest: Digest;
  /** The way from the reference down to the layers; a digest may stand here twice. */
  readonly blobs: readonly ClusterBlob[];
  /** What keeps the walk from being whole. */
  readonly problems: readonly GraphProblem[];
}

export interface GraphProblem {
  readonly digest: Digest;
  readonly reason: "missing" | "corrupt" | "invalid";
  readonly text: string;
}

export interface ImageRoot {
  readonly reference: string;
  readonly digest: Digest;
}

/** An index in an index is legal; more than this is not met outside of attacks. */
const MAX_DEPTH = 8;

/**
 * Walks each image from its index or manifest to its layers, reading manifests from the store. Children of other
 * platforms and attestations are no part of it, present or not, so that the result does not depend on what else the
 * store holds.
 */
export async function walkImages(
  store: BlobReader,
  images: readonly ImageRoot[],
  platform: Platform,
  signal?: AbortSignal,
): Promise<readonly ImageBlobs[]> {
  const limit = pLimit(8);
  return Promise.all(
    images.map((image) =>
      limit(() => {
        signal?.throwIfAborted();
        return walkImage(store, image, platform);
      }),
    ),
  );
}

/**
 * Compares every walked blob with the store: there, and of the size that its manifest states.
 *
 * @param isElsewhere whether a blob that the store lacks can be had when it is needed
 */
export async function checkPresence(
  store: BlobReader,
  images: readonly ImageBlobs[],
  isElsewhere: (digest: Digest) => boolean = () => false,
): Promise<readonly ImageBlobs[]> {
  const limit = pLimit(16);
  const sizes = new Map<Digest, Promise<{ size: number } | undefined>>();
  const look = (digest: Digest): Promise<{ size: number } | undefined> => {
    const known = sizes.get(digest) ?? limit(() => store.has(digest));
    sizes.set(digest, known);
    return known;
  };
  return Promise.all(
    images.map(async (image) => {
      const problems = [...image.problems];
      for (const blob of image.blobs) {
        // The walk has read these already.
        if (blob.role === "index" || blob.role === "manifest") continue;
        const found = await look(blob.digest);
        if (found === undefined) {
          if (isElsewhere(blob.digest)) continue;
          problems.push({ digest: blob.digest, reason: "missing", text: `its ${blob.role} ${blob.digest} is missing` });
        } else if (found.size !== blob.size) {
          const text = `its ${blob.role} ${blob.digest} has ${found.size} bytes, its manifest says ${blob.size}`;
          problems.push({ digest: blob.digest, reason: "corrupt", text });
        }
      }
      return { ...image, problems };
    }),
  );
}

/** Which images need a blob, by digest. */
export function imagesByBlob(images: readonly ImageBlobs[]): ReadonlyMap<Digest, readonly string[]> {
  const needed = new Map<Digest, string[]>();
  for (const { reference, blobs } of images) {
    for (const digest of new Set(blobs.map((blob) => blob.digest))) {
      const references = needed.get(digest);
      if (references === undefined) needed.set(digest, [reference]);
      else references.push(reference);
    }
  }
  return needed;
}

async function walkImage(store: BlobReader, image: ImageRoot, platform: Platform): Promise<ImageBlobs> {
  const blobs: ClusterBlob[] = [];
  const problems: GraphProblem[] = [];
  const problem = (digest: Digest, reason: GraphProblem["reason"], text: string): void => {
    problems.push({ digest, reason, text });
  };
  const visit = async (digest: Digest, stated: Descriptor | undefined, depth: number): Promise<void> => {
    const bytes = await readManifest(store, digest);
    if (typeof bytes === "string") {
      // Its role is a guess, but whoever looks for a missing digest finds the image that needs it.
      blobs.push({ role: "manifest", digest, size: stated?.size ?? 0, mediaType: stated?.mediaType ?? "" });
      return problem(digest, bytes, `its manifest ${digest} is ${bytes}`);
    }
    if (stated !== undefined && stated.size !== bytes.byteLength) {
      problem(digest, "corrupt", `its manifest ${digest} has ${bytes.byteLength} bytes, its index says ${stated.size}`);
    }
    const manifest = parse(bytes, stated?.mediaType);
    if (manifest instanceof KubefileError) return problem(digest, "invalid", `${digest}: ${manifest.message}`);
    const role = manifest.kind === "index" ? "index" : "manifest";
    blobs.push({ role, digest, size: bytes.byteLength, mediaType: manifest.mediaType });
    if (manifest.kind === "image") {
      blobs.push({ ...contentOf(manifest.config), role: "config" });
      for (const layer of manifest.layers) blobs.push({ ...contentOf(layer), role: "layer" });
      return;
    }
    if (depth === MAX_DEPTH) return problem(digest, "invalid", `its indexes are nested more than ${MAX_DEPTH} deep`);
    const child = selectImage(manifest.manifests, platform);
    if (child !== undefined) return visit(child.digest, child, depth + 1);
    const offered = manifest.manifests.flatMap((entry) => (entry.platform ? [formatPlatform(entry.platform)] : []));
    problem(
      digest,
      "invalid",
      `it has no image for ${formatPlatform(platform)}, only for ${offered.join(", ") || "none"}`,
    );
  };
  await visit(image.digest, undefined, 0);
  return { reference: image.reference, digest: image.digest, blobs, problems };
}

async function readManifest(store: BlobReader, digest: Digest): Promise<Buffer | "missing" | "corrupt"> {
  const found = await store.has(digest);
  if (found === undefined) return "missing";
  if (found.size > MAX_MANIFEST_BYTES) return "corrupt";
  const bytes = await store.readSmall(digest, MAX_MANIFEST_BYTES);
  return digestOf(bytes) === digest ? bytes : "corrupt";
}

function parse(bytes: Buffer, mediaType: string | undefined): ReturnType<typeof parseManifest> | KubefileError {
  try {
    return parseManifest(bytes, mediaType);
  } catch (error) {
    return error instanceof KubefileError ? error : new KubefileError("ARTIFACT_INVALID", errorMessage(error));
  }
}

function contentOf({ digest, size, mediaType }: Descriptor): Omit<ClusterBlob, "role"> {
  return { digest, size, mediaType };
}
