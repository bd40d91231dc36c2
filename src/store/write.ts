import { addAbortSignal, Readable } from "node:stream";
import { KubefileError } from "../error.ts";
import { type Digest, digestOf } from "../oci/digest.ts";
import type { Ingest } from "./ingest.ts";
import type { Store, WriteOptions } from "./types.ts";

/** Stores bytes that are already here, or a stream of them, whole or not at all. */
export async function writeBlob(
  source: Readable | Uint8Array,
  { expected, size, signal }: WriteOptions,
  parts: { readonly verify: Store["verify"]; readonly createIngest: () => Promise<Ingest> },
): Promise<{ digest: Digest; size: number }> {
  signal?.throwIfAborted();
  if (source instanceof Uint8Array) {
    const digest = digestOf(source);
    const isWanted = (expected ?? digest) === digest && (size ?? source.byteLength) === source.byteLength;
    // Bytes that fit into memory are soon compared: what a bad disk has made of an earlier copy is written anew.
    if (isWanted && (await parts.verify(digest))) return { digest, size: source.byteLength };
  }
  const ingest = await parts.createIngest();
  try {
    const chunks = source instanceof Uint8Array ? Readable.from([source]) : source;
    for await (const chunk of signal === undefined ? chunks : addAbortSignal(signal, chunks)) {
      await ingest.append(chunk);
      if (size !== undefined && ingest.size > size) break;
    }
    if (size !== undefined && ingest.size !== size) {
      const received = ingest.size > size ? "more" : `only ${ingest.size}`;
      const name = expected === undefined ? "a blob" : `blob ${expected}`;
      throw new KubefileError("STORE_CORRUPT", `${name} should have ${size} bytes, but ${received} came`);
    }
    return { digest: await ingest.commit(expected), size: ingest.size };
  } catch (error) {
    await ingest.discard();
    throw error;
  }
}
