import { createHash } from "node:crypto";
import { posix } from "node:path";
import { Readable } from "node:stream";
import { KubefileError } from "../error.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { type Digest, finishDigest } from "../oci/digest.ts";
import { OCI_LAYER_GZIP } from "../oci/media-types.ts";
import type { Store } from "../store/types.ts";
import { compareBytes } from "./byte-order.ts";
import type { ChangeSet } from "./change-set.ts";
import { gzip } from "./gzip.ts";
import { type TarMember, type TarOptions, tarStream } from "./tar.ts";
import { WHITEOUT_PREFIX } from "./whiteout.ts";

export interface Layer {
  readonly descriptor: Descriptor;
  /** Digest of the tar before compression (OCI image-spec, config.md). */
  readonly diffId: Digest;
}

/**
 * Writes a change set as one layer into the store: a deterministic tar.gz with whiteouts (OCI image-spec, layer.md).
 *
 * A directory that became something else needs no whiteout: the new entry replaces it. So does a new directory, since
 * there was nothing below what it replaces; opaque whiteouts are for writers that do not know the lower layers.
 *
 * @throws KubefileError UNSUPPORTED for a file whose name would read as a whiteout.
 */
export async function writeLayer(
  changes: ChangeSet,
  root: string,
  store: Pick<Store, "write">,
  options: TarOptions = {},
): Promise<Layer> {
  const tarHash = createHash("sha256");
  const compressed = gzip(hashed(tarStream(root, membersOf(changes), options), tarHash));
  const { digest, size } = await store.write(Readable.from(compressed, { objectMode: false }), {
    signal: options.signal,
  });
  return { descriptor: { mediaType: OCI_LAYER_GZIP, digest, size }, diffId: finishDigest(tarHash) };
}

function membersOf(changes: ChangeSet): TarMember[] {
  const entries = [...changes.parents, ...changes.added, ...changes.changed];
  for (const { path } of entries) {
    if (!posix.basename(path).startsWith(WHITEOUT_PREFIX)) continue;
    throw new KubefileError("UNSUPPORTED", `${JSON.stringify(path)} cannot be in a layer`, {
      hint: `names that start with ${WHITEOUT_PREFIX} mean removals there; rename it`,
    });
  }
  const whiteouts = changes.removed.map(
    (path): TarMember => ({
      type: "whiteout",
      path: posix.join(posix.dirname(path), WHITEOUT_PREFIX + posix.basename(path)),
    }),
  );
  return [...entries, ...whiteouts].sort((left, right) => compareBytes(left.path, right.path));
}

async function* hashed(
  source: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof createHash>,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    hash.update(chunk);
    yield chunk;
  }
}
