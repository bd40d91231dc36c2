import { isManifestType, manifestTypes } from "../../src/oci/media-types.ts";
import { hostPlatform, type Platform } from "./image-builder.ts";
import type { UploadTarget } from "./image-upload.ts";

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface Document {
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
  readonly manifests?: readonly Descriptor[];
}

/** A manifest as a registry sends it. */
export async function fetchManifest(
  target: UploadTarget,
  repository: string,
  reference: string,
): Promise<{ readonly bytes: Buffer; readonly document: Document }> {
  const accept = manifestTypes.join(", ");
  const bytes = await get(target, `/v2/${repository}/manifests/${reference}`, { accept });
  return { bytes, document: JSON.parse(bytes.toString()) };
}

export function fetchBlob(target: UploadTarget, repository: string, digest: string): Promise<Buffer> {
  return get(target, `/v2/${repository}/blobs/${digest}`);
}

/**
 * Everything that an image of a registry consists of on this machine's platform, by digest: index, manifest, config,
 * layers. Asked for with the plainest requests, so that nothing of the product stands between the registry and a test.
 */
export async function fetchImage(
  target: UploadTarget,
  repository: string,
  reference: string,
): Promise<ReadonlyMap<string, Buffer>> {
  const found = new Map<string, Buffer>();
  const visit = async (digest: string): Promise<void> => {
    const { bytes, document } = await fetchManifest(target, repository, digest);
    found.set(digest, bytes);
    const { config, layers = [], manifests = [] } = document;
    for (const child of manifests) {
      const { os, architecture } = child.platform ?? hostPlatform;
      const ours = os === hostPlatform.os && architecture === hostPlatform.architecture;
      if (ours && isManifestType(child.mediaType)) await visit(child.digest);
    }
    for (const blob of config === undefined ? [] : [config, ...layers]) {
      found.set(blob.digest, await fetchBlob(target, repository, blob.digest));
    }
  };
  await visit(reference);
  return found;
}

async function get(
  { url, credentials }: UploadTarget,
  path: string,
  headers: Record<string, string> = {},
): Promise<Buffer> {
  const authorization =
    credentials === undefined
      ? {}
      : {
          authorization: `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64")}`,
        };
  const response = await fetch(`${url}${path}`, { headers: { ...headers, ...authorization } });
  if (!response.ok) throw new Error(`GET ${url}${path}: ${response.status} ${await response.text()}`);
  return Buffer.from(await response.arrayBuffer());
}
