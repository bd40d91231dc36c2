import { type Inspection, inspectClusterImage } from "../image/inspect.ts";
import { type IndexInspection, inspectIndex } from "../image/inspect-index.ts";
import { fetchDescription, fetchHead } from "../image/load.ts";
import { resolveLocal } from "../image/local-tags.ts";
import { readNameHere } from "../image/name-here.ts";
import { choosePlatform, requirePlatform } from "../image/platform-image.ts";
import { readClusterImage } from "../image/read.ts";
import { registryFailure } from "../image/registry-failure.ts";
import type { Platform } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { parseManifest } from "../oci/manifest.ts";
import { formatReference, manifestReference } from "../oci/reference.ts";
import { RegistryError } from "../registry/errors.ts";
import type { Store } from "../store/types.ts";
import type { Host } from "./host.ts";

/** How registries answer for what is not there, or is not shown to who asks. */
const absent = [401, 403, 404];

/**
 * As inspect, but undefined when the name stands for nothing here and its registry shows no such image. A registry that
 * fails in any other way says nothing of what it has.
 */
export async function inspectIfPresent(
  host: Host,
  store: Store,
  name: string,
  platform: Platform | undefined,
): Promise<Inspection | IndexInspection | undefined> {
  const reference = await readNameHere(store.directory, name);
  host.trustRegistry(reference.host);
  if ((await resolveLocal(store.directory, reference)) === undefined) {
    try {
      await host.client.resolve(reference, manifestReference(reference), { signal: host.signal });
    } catch (error) {
      if (!(error instanceof RegistryError && absent.includes(error.status))) {
        throw registryFailure("fetch", reference.host, error);
      }
      host.progress.note("info", `there is no ${formatReference(reference)}: ${error.message}`);
      return undefined;
    }
  }
  return inspect(host, store, name, platform);
}

/**
 * What a name stands for, here or at its registry: one cluster image, or an index of several when no platform is chosen.
 * Layers are not fetched.
 */
export async function inspect(
  host: Host,
  store: Store,
  name: string,
  platform: Platform | undefined,
): Promise<Inspection | IndexInspection> {
  const reference = await readNameHere(store.directory, name);
  const { client, signal } = host;
  host.trustRegistry(reference.host);
  const local = await resolveLocal(store.directory, reference);
  const bytes =
    local === undefined
      ? (
          await client
            .manifest(reference, manifestReference(reference), { signal })
            .catch((error: unknown) => Promise.reject(registryFailure("fetch", reference.host, error)))
        ).bytes
      : await store.readSmall(local.digest);
  const { digest } = await store.write(bytes, { signal });
  const manifest = parseManifest(bytes);
  const at = (child: Digest) => ({ client, store, reference: { ...reference, digest: child }, signal });
  const describe = (child: Digest) =>
    local === undefined ? fetchDescription(at(child)) : readClusterImage(store, child);
  const inspectOne = async (child: Digest): Promise<Inspection> => {
    const image = await describe(child);
    requirePlatform(image, platform, name);
    return inspectClusterImage(store, image, name);
  };
  if (manifest.kind === "image") return inspectOne(digest);
  if (platform !== undefined) return inspectOne(choosePlatform(manifest.manifests, platform, name).digest);
  const images = [];
  for (const child of manifest.manifests) {
    images.push(local === undefined ? await fetchHead(at(child.digest)) : await readClusterImage(store, child.digest));
  }
  return inspectIndex({ name, digest, manifest, images });
}
