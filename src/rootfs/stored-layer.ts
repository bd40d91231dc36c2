import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { KubefileError } from "../error.ts";
import { type Digest, finishDigest } from "../oci/digest.ts";
import type { Store } from "../store/types.ts";
import { type ApplyOptions, applyLayer } from "./apply-layer.ts";
import { decompress } from "./decompress.ts";
import type { Layer } from "./layer.ts";

/**
 * Applies a layer of the store to a tree, as applyLayer does.
 *
 * @throws KubefileError ARTIFACT_INVALID when its uncompressed bytes are not those that the image's config names
 */
export async function applyStoredLayer(
  root: string,
  layer: { readonly descriptor: Pick<Layer["descriptor"], "digest">; readonly diffId: Digest },
  store: Pick<Store, "open">,
  options: ApplyOptions = {},
): Promise<void> {
  const { descriptor, diffId } = layer;
  const name = options.name ?? `rootfs layer ${descriptor.digest}`;
  const { stream } = await store.open(descriptor.digest);
  const hash = createHash("sha256");
  async function* hashed(): AsyncGenerator<Uint8Array> {
    for await (const chunk of await decompress(stream)) {
      hash.update(chunk);
      yield chunk;
    }
  }
  await applyLayer(root, Readable.from(hashed(), { objectMode: false }), { ...options, name });
  const found = finishDigest(hash);
  if (found === diffId) return;
  throw new KubefileError("ARTIFACT_INVALID", `${name} unpacks to ${found}, its image says ${diffId}`, {
    hint: "build and push the image again",
  });
}
