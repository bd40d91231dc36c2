import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { Readable, Transform, type TransformCallback } from "node:stream";
import { pipeline } from "node:stream/promises";
import { errorMessage, KubefileError } from "../error.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { type Digest, finishDigest, isDigest } from "../oci/digest.ts";
import { MAX_MANIFEST_BYTES, parseManifest } from "../oci/manifest.ts";
import { OCI_INDEX } from "../oci/media-types.ts";
import type { BlobReader } from "../store/types.ts";
import { readTarIndex, type TarIndexEntry } from "./tar-index.ts";

/** The tar of an OCI image layout, read where it lies. */
export interface OciArchive {
  readonly reader: BlobReader;
  /** What its index names. */
  readonly manifests: readonly Descriptor[];
}

const READ_BYTES = 1024 * 1024;

/**
 * Opens an archive that `kubefile build -o type=oci,dest=FILE` or another tool wrote (image-spec, image-layout.md). Only
 * what is asked for is read, and verified when it is read whole.
 *
 * @throws KubefileError ARTIFACT_INVALID when it is none, USAGE when the file cannot be read
 */
export async function openOciArchive(file: string): Promise<OciArchive> {
  const handle = await open(file, "r").catch((error: unknown) => {
    throw new KubefileError("USAGE", `cannot read ${file}: ${errorMessage(error)}`, { cause: error });
  });
  try {
    const entries = await readTarIndex(handle, file);
    return { reader: readerOf(file, entries), manifests: await readIndex(file, entries) };
  } finally {
    await handle.close();
  }
}

function readerOf(file: string, entries: ReadonlyMap<string, TarIndexEntry>): BlobReader {
  const find = (digest: Digest): TarIndexEntry | undefined => entries.get(`blobs/${digest.replace(":", "/")}`);
  const openBlob: BlobReader["open"] = async (digest, range) => {
    const entry = find(digest);
    if (entry === undefined) throw new KubefileError("ARTIFACT_INVALID", `${file} does not hold blob ${digest}`);
    const { size } = entry;
    const part = range ?? { start: 0, end: size };
    const bytes = read(file, entry.start + part.start, entry.start + part.end);
    return { size, range: part, stream: range === undefined ? verified(bytes, digest, file) : bytes };
  };
  return {
    directory: file,
    has: async (digest) => find(digest),
    open: openBlob,
    async readSmall(digest, limit = MAX_MANIFEST_BYTES) {
      const { size, stream } = await openBlob(digest);
      if (size <= limit) return Buffer.concat(await stream.toArray());
      stream.destroy();
      throw new KubefileError("ARTIFACT_INVALID", `${file}: blob ${digest} has ${size} bytes, more than ${limit}`);
    },
  };
}

function read(file: string, start: number, end: number): Readable {
  if (start >= end) return Readable.from([]);
  return createReadStream(file, { start, end: end - 1, highWaterMark: READ_BYTES });
}

/** Ends with an error when the bytes are not those of the digest. */
function verified(bytes: Readable, digest: Digest, file: string): Readable {
  const hash = createHash("sha256");
  const checker = new Transform({
    transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback) {
      hash.update(chunk);
      callback(null, chunk);
    },
    flush(callback: TransformCallback) {
      const found = finishDigest(hash);
      if (found === digest) callback();
      else callback(new KubefileError("ARTIFACT_INVALID", `${file}: the bytes of blob ${digest} have digest ${found}`));
    },
  });
  pipeline(bytes, checker).catch(() => undefined);
  return checker;
}

async function readIndex(file: string, entries: ReadonlyMap<string, TarIndexEntry>): Promise<readonly Descriptor[]> {
  const invalid = (why: string): KubefileError =>
    new KubefileError("ARTIFACT_INVALID", `${file} is not the tar of an OCI layout: ${why}`, {
      hint: "write one with `kubefile build -o type=oci,dest=FILE`",
    });
  const entry = entries.get("index.json");
  if (entry === undefined || !entries.has("oci-layout")) throw invalid("it has no oci-layout or no index.json");
  if (entry.size > MAX_MANIFEST_BYTES) throw invalid(`index.json has more than ${MAX_MANIFEST_BYTES} bytes`);
  const bytes = Buffer.concat(await read(file, entry.start, entry.start + entry.size).toArray());
  const index = parseManifest(bytes, OCI_INDEX);
  if (index.kind !== "index") throw invalid("its index.json is not an index");
  return index.manifests.filter(({ digest }) => isDigest(digest));
}
