import { KubefileError } from "../error.ts";
import { type Digest, digestOf } from "../oci/digest.ts";
import { MAX_MANIFEST_BYTES, parseManifest } from "../oci/manifest.ts";
import type { BlobReader } from "../store/types.ts";
import { checkPresence, walkImages } from "./blob-graph.ts";
import { type ClusterImage, rootfsLayers } from "./cluster-image.ts";
import { MAX_CONFIG_BYTES, parseConfig } from "./config.ts";
import { readProfile } from "./profiles.ts";

/**
 * Reads a cluster image whose manifest and config can be read; its other blobs need not be there.
 *
 * @throws KubefileError ARTIFACT_INVALID when it is no cluster image, STORE_CORRUPT when a blob is absent or changed
 */
export async function readClusterImage(
  store: BlobReader,
  digest: Digest,
  name: string = digest,
): Promise<ClusterImage> {
  const bytes = await readVerified(store, digest, MAX_MANIFEST_BYTES);
  const manifest = parseManifest(bytes);
  if (manifest.kind === "index") {
    throw new KubefileError("ARTIFACT_INVALID", `${digest} is an index of images, not one cluster image`, {
      hint: "name the cluster image of one platform",
    });
  }
  const { profile, configBlob, blobs } = readProfile(manifest, name);
  const config = parseConfig(await readVerified(store, configBlob.digest, MAX_CONFIG_BYTES));
  const { mediaType, artifactType } = manifest;
  const image: ClusterImage = {
    digest,
    bytes,
    descriptor: { mediaType, digest, size: bytes.byteLength, ...(artifactType === undefined ? {} : { artifactType }) },
    manifest,
    profile,
    config,
    configBlob: { digest: configBlob.digest, size: configBlob.size },
    blobs,
  };
  const layers = rootfsLayers(image).length;
  if (layers !== config.rootfs.diffIds.length) {
    const message = `the manifest of ${digest} has ${layers} rootfs layers, its config ${config.rootfs.diffIds.length}`;
    throw new KubefileError("ARTIFACT_INVALID", message);
  }
  return image;
}

/**
 * Checks that the store holds everything the captured images and the rootfs consist of, and that the manifest lists
 * it: only then can the cluster image be launched without a network.
 *
 * @throws KubefileError ARTIFACT_INVALID with every image that is not whole
 */
export async function checkWhole(store: BlobReader, image: ClusterImage): Promise<void> {
  const listed = new Set(image.blobs.map(({ digest }) => digest));
  const images = await checkPresence(store, await walkImages(store, image.config.images, image.config.platform));
  const problems = images.flatMap(({ reference, blobs, problems }) => [
    ...problems.map(({ text }) => `${reference}: ${text}`),
    ...blobs
      .filter(({ digest, size }) => size > 0 && !listed.has(digest))
      .map(({ digest, role }) => `${reference}: its ${role} ${digest} is not listed in the manifest`),
  ]);
  for (const { digest, size } of rootfsLayers(image)) {
    if ((await store.has(digest))?.size !== size)
      problems.push(`rootfs layer ${digest} is missing or has another size`);
  }
  if (problems.length === 0) return;
  const shown = [...new Set(problems)].slice(0, 20).map((problem) => `  ${problem}`);
  throw new KubefileError("ARTIFACT_INVALID", `cluster image ${image.digest} is not whole:\n${shown.join("\n")}`, {
    hint: "build and push it again",
  });
}

async function readVerified(store: BlobReader, digest: Digest, limit: number): Promise<Buffer> {
  const bytes = await store.readSmall(digest, limit);
  if (digestOf(bytes) === digest) return bytes;
  throw new KubefileError("STORE_CORRUPT", `blob ${digest} in ${store.directory} has other content`, {
    hint: "remove the blob and run the command again",
  });
}
