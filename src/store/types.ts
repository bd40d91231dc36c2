import type { Readable } from "node:stream";
import type { Digest } from "../oci/digest.ts";

/** A content-addressed blob store in an OCI layout directory. A file under `blobs/` is always whole. */
export interface Store extends AsyncDisposable {
  /** Absolute path. */
  readonly directory: string;
  /** Size in bytes, or undefined; asks the file system each time, so it never says "present" for a file that is gone. */
  has(digest: Digest): Promise<{ size: number } | undefined>;
  /** @throws KubefileError STORE_CORRUPT when absent. */
  open(digest: Digest, range?: ByteRange): Promise<OpenBlob>;
  /** A small blob (manifest, config) whole. @throws KubefileError STORE_CORRUPT when absent or over `limit` bytes. */
  readSmall(digest: Digest, limit?: number): Promise<Buffer>;
  /** Stores a stream or bytes; verifies against `expected` when given. @throws KubefileError STORE_CORRUPT on mismatch. */
  write(source: Readable | Uint8Array, options?: WriteOptions): Promise<{ digest: Digest; size: number }>;
  /**
   * Fetches a blob once however many ask: returns at once with a stream that follows the growing file, holding back
   * the last bytes until the digest is verified. A reader that leaves stops nobody.
   */
  fetch(
    digest: Digest,
    source: BlobFetcher,
    options?: { readonly range?: RangeOf; readonly signal?: AbortSignal },
  ): Promise<OpenBlob>;
  /** Waits until the blob is whole in the store, fetching it when it is not. */
  ensure(
    digest: Digest,
    source: BlobFetcher,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<{ size: number }>;
  /** Absolute path of a stored blob's file. */
  pathOf(digest: Digest): string;
  /** Re-reads and hashes a blob. */
  verify(digest: Digest): Promise<boolean>;
  /** Throws a blob away that is not what its name says, so that it can be fetched anew. */
  remove(digest: Digest): Promise<void>;
  /**
   * Ends downloads that still go on. What is stored stays until somebody removes what nothing leads to; nothing can be
   * fetched afterwards.
   */
  close(): Promise<void>;
}

/** Blobs that can be read: a store, or an archive that is read where it lies. */
export type BlobReader = Pick<Store, "directory" | "has" | "open" | "readSmall">;

export interface ByteRange {
  /** First byte. */
  readonly start: number;
  /** One past the last byte. */
  readonly end: number;
}

/** Chooses the range once the size is known; undefined means all. May throw (416). */
export type RangeOf = (size: number) => ByteRange | undefined;

export interface OpenBlob {
  /** Bytes of the whole blob. */
  readonly size: number;
  readonly range: ByteRange;
  readonly stream: Readable;
}

export interface WriteOptions {
  readonly expected?: Digest;
  readonly size?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens the blob at its source from `offset` on; called again to resume after a cut. `size` is the whole blob's. It may
 * try several times itself: what it rejects with is final.
 */
export type BlobFetcher = (offset: number, signal: AbortSignal) => Promise<{ size: number; stream: Readable }>;
