import { createHash } from "node:crypto";
import { type FileHandle, open, rm, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { addAbortSignal, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { KubefileError } from "../error.ts";
import { type Digest, digestOf, finishDigest } from "../oci/digest.ts";
import { MAX_MANIFEST_BYTES } from "../oci/manifest.ts";
import { ownIdentity } from "../process/process-identity.ts";
import { Flight } from "./flight.ts";
import { FollowingReader, READ_BYTES } from "./follow.ts";
import { Ingest, storageError } from "./ingest.ts";
import { blobPath, createLayout, type Layout, layoutOf } from "./layout.ts";
import { type Lease, type LeaseOptions, sweepLeases, takeLease } from "./lease.ts";
import { sweepIngest } from "./sweep.ts";
import type { BlobFetcher, BlobReader, ByteRange, OpenBlob, RangeOf, Store } from "./types.ts";
import { unlessAborted } from "./wait.ts";
import { writeBlob } from "./write.ts";

/** Milliseconds since the epoch. */
export type Clock = () => number;

export interface OpenOptions extends LeaseOptions {
  readonly clock?: Clock;
}

const emptyDigest = digestOf("");

/**
 * Opens the store in a directory, making it when there is none, and removes what killed processes left in it. No blob
 * is removed beneath it until it is closed, or this process has ended.
 *
 * @throws KubefileError STORE_UNUSABLE, DISK_SHORT, STORE_BUSY
 */
export async function openStore(directory: string, options: OpenOptions = {}): Promise<Store> {
  const absolute = resolve(directory);
  const now = (options.clock ?? Date.now)();
  try {
    const layout = await createLayout(absolute);
    const owner = await ownIdentity();
    const lease = await takeLease(absolute, owner, options);
    await Promise.all([sweepIngest(layout, now), sweepLeases(absolute, now)]);
    return makeStore(layout, () => Ingest.create(layout, owner), lease);
  } catch (error) {
    options.signal?.throwIfAborted();
    throw error instanceof KubefileError ? error : storageError({ directory: absolute }, error);
  }
}

/** What is in a directory that may be another's, or no store at all: nothing is made or changed there. */
export function readStore(directory: string): BlobReader {
  const absolute = resolve(directory);
  const refuse = async (): Promise<never> => {
    throw new KubefileError("INTERNAL", `${absolute} is only read`);
  };
  return makeStore(layoutOf(absolute), refuse, { release: async () => undefined });
}

function makeStore(layout: Layout, createIngest: () => Promise<Ingest>, lease: Lease): Store {
  const flights = new Map<Digest, Flight>();
  const closing = new AbortController();
  const pathOf = (digest: Digest): string => blobPath(layout, digest);

  const has = async (digest: Digest): Promise<{ size: number } | undefined> => {
    const found = await stat(pathOf(digest)).catch(ignoreMissing(layout));
    return found !== undefined && isPlausible(digest, found) ? { size: found.size } : undefined;
  };

  const openStored = async (digest: Digest, rangeOf: RangeOf): Promise<OpenBlob | undefined> => {
    const file = await open(pathOf(digest), "r").catch(ignoreMissing(layout));
    if (file === undefined) return undefined;
    try {
      const found = await file.stat();
      if (isPlausible(digest, found)) {
        const range = chooseRange(digest, found.size, rangeOf);
        return { size: found.size, range, stream: readRange(file, range) };
      }
    } catch (error) {
      await file.close();
      throw error;
    }
    await file.close();
    return undefined;
  };

  const openOrThrow = async (digest: Digest, rangeOf: RangeOf): Promise<OpenBlob> => {
    const blob = await openStored(digest, rangeOf);
    if (blob === undefined) throw missing(layout, digest);
    return blob;
  };

  const verify = async (digest: Digest): Promise<boolean> => {
    const blob = await openStored(digest, () => undefined);
    if (blob === undefined) return false;
    const hash = createHash("sha256");
    await pipeline(blob.stream, hash);
    return finishDigest(hash) === digest;
  };

  const flightFor = (digest: Digest, source: BlobFetcher): Flight => {
    const joined = flights.get(digest);
    if (joined !== undefined) return joined;
    closing.signal.throwIfAborted();
    const flight = new Flight({ digest, source, createIngest, signal: closing.signal });
    flights.set(digest, flight);
    const forget = (): boolean => flights.delete(digest);
    flight.finished.then(forget, forget);
    return flight;
  };

  const join = async (flight: Flight, digest: Digest, rangeOf: RangeOf): Promise<OpenBlob> => {
    const { size, path } = await flight.opened;
    const range = chooseRange(digest, size, rangeOf);
    const file = await open(path, "r").catch(ignoreMissing(layout));
    if (file !== undefined) return { size, range, stream: new FollowingReader(flight, file, range) };
    // The file has moved to its place, or is gone because the download failed.
    await flight.finished;
    return openOrThrow(digest, rangeOf);
  };

  const close = async (): Promise<void> => {
    closing.abort(new KubefileError("CANCELLED", "the store was closed"));
    await Promise.allSettled([...flights.values()].map((flight) => flight.finished));
    await lease.release();
  };

  return {
    directory: layout.directory,
    pathOf,
    has,
    open: (digest, range) => openOrThrow(digest, () => range),

    async readSmall(digest, limit = MAX_MANIFEST_BYTES) {
      const { size, stream } = await openOrThrow(digest, () => undefined);
      if (size > limit) {
        stream.destroy();
        throw new KubefileError("STORE_CORRUPT", `blob ${digest} has ${size} bytes, more than the ${limit} expected`);
      }
      return Buffer.concat(await stream.toArray());
    },

    write: (source, writeOptions) => writeBlob(source, writeOptions ?? {}, { verify, createIngest }),

    async fetch(digest, source, { range = () => undefined, signal } = {}) {
      signal?.throwIfAborted();
      // Flights are looked at first: one that ends during the look at the files has left its blob among them.
      const blob =
        flights.has(digest) || !(await has(digest))
          ? await unlessAborted(join(flightFor(digest, source), digest, range), signal, ({ stream }) =>
              stream.destroy(),
            )
          : await openOrThrow(digest, range);
      if (signal !== undefined) addAbortSignal(signal, blob.stream);
      return blob;
    },

    async ensure(digest, source, { signal } = {}) {
      signal?.throwIfAborted();
      const stored = flights.has(digest) ? undefined : await has(digest);
      return stored ?? unlessAborted(flightFor(digest, source).finished, signal, () => undefined);
    },

    verify,

    async remove(digest) {
      await rm(pathOf(digest), { force: true }).catch((error: unknown) => {
        throw storageError(layout, error);
      });
    },

    close,
    [Symbol.asyncDispose]: close,
  };
}

/** An empty file under another digest is what a crash of an older writer leaves; it is no blob. */
function isPlausible(digest: Digest, found: { readonly size: number; isFile(): boolean }): boolean {
  return found.isFile() && (found.size > 0 || digest === emptyDigest);
}

function chooseRange(digest: Digest, size: number, rangeOf: RangeOf): ByteRange {
  const range = rangeOf(size) ?? { start: 0, end: size };
  if (range.start < 0 || range.start > range.end || range.end > size) {
    throw new KubefileError("INTERNAL", `bytes ${range.start} to ${range.end} are outside blob ${digest} of ${size}`);
  }
  return range;
}

function readRange(file: FileHandle, { start, end }: ByteRange): Readable {
  if (start < end) return file.createReadStream({ start, end: end - 1, highWaterMark: READ_BYTES });
  void file.close();
  return Readable.from([]);
}

function ignoreMissing(layout: Layout): (error: unknown) => undefined {
  return (error) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw storageError(layout, error);
  };
}

function missing(layout: Layout, digest: Digest): KubefileError {
  return new KubefileError("STORE_CORRUPT", `blob ${digest} is not in the store in ${layout.directory}`, {
    hint: "it was removed while it was needed; run again, it will be fetched anew",
  });
}
