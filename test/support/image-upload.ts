import { isManifestType } from "../../src/oci/media-types.ts";
import type { Image } from "./image-builder.ts";

export interface UploadTarget {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly credentials?: { readonly username: string; readonly password: string };
}

/**
 * Uploads an image with the plainest requests there are, and with none of the product's own code, so that what tests
 * read back has not passed through what they test.
 */
export async function uploadImage(target: UploadTarget, repository: string, tag: string, image: Image): Promise<void> {
  const base = `${target.url}/v2/${repository}`;
  const content = image.blobs.filter((blob) => !isManifestType(blob.mediaType));
  await Promise.all(
    content.map(async ({ digest, bytes }) => {
      const session = await request(target, "POST", `${base}/blobs/uploads/`);
      const location = new URL(session.headers.get("location") ?? "", target.url);
      location.searchParams.set("digest", digest);
      await request(target, "PUT", location.href, bytes, "application/octet-stream");
    }),
  );
  for (const { mediaType, digest, bytes } of image.blobs.filter((blob) => isManifestType(blob.mediaType))) {
    const name = digest === image.root.digest ? tag : digest;
    await request(target, "PUT", `${base}/manifests/${name}`, bytes, mediaType);
  }
}

async function request(
  { credentials }: UploadTarget,
  method: string,
  url: string,
  body?: Buffer,
  type?: string,
): Promise<Response> {
  const headers = new Headers(type === undefined ? {} : { "content-type": type });
  if (credentials !== undefined) {
    const pair = Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64");
    headers.set("authorization", `Basic ${pair}`);
  }
  const response = await fetch(url, { method, headers, ...(body === undefined ? {} : { body: new Uint8Array(body) }) });
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
  await response.arrayBuffer();
  return response;
}
