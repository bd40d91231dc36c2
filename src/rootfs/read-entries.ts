import { pipeline } from "node:stream/promises";
import { extract, type Header } from "tar-stream";
import { errorMessage, KubefileError } from "../error.ts";
import { untilEnd } from "./tar-end.ts";

export interface EntryReader {
  /** What messages call the archive. */
  readonly archive: string;
  /** Passes the archive's bytes on; throws when there are too many. */
  counted(chunks: AsyncIterable<string | Buffer>): AsyncIterable<string | Buffer>;
  /** One entry; content that is not read is passed over. */
  entry(header: Header, content: AsyncIterable<Uint8Array>): Promise<void>;
}

/**
 * Reads a tar, which may be hostile, entry by entry.
 *
 * @throws KubefileError UNSAFE_ARCHIVE when it is no whole archive, and whatever the reader or the source throws
 */
export async function readEntries(
  tar: NodeJS.ReadableStream,
  reader: EntryReader,
  signal: AbortSignal | undefined,
): Promise<void> {
  const archive = extract();
  const counted = (chunks: AsyncIterable<string | Buffer>) => untilEnd(reader.counted(chunks));
  const feeding = pipeline(tar, counted, archive, { signal });
  const fed = feeding.then(
    () => undefined,
    (error: unknown) => error,
  );
  try {
    for await (const content of archive) {
      requireSize(content.header);
      await reader.entry(content.header, bytesOf(content));
      content.resume();
    }
    await feeding;
  } catch (error) {
    signal?.throwIfAborted();
    // When the archive's bytes end with an error, the entry being read only knows that it was cut off.
    const cause = isCutOff(error) ? ((await fed) ?? error) : error;
    if (!isMalformed(cause)) throw cause;
    throw new KubefileError("UNSAFE_ARCHIVE", `${reader.archive} is not a whole tar archive: ${errorMessage(cause)}`, {
      cause,
    });
  }
}

/**
 * A size may be written in a form that nothing here can read; such content would never end, and nor would its reader.
 *
 * @throws Error, as for any other header that is none
 */
export function requireSize({ name, size }: Header): void {
  if (!Number.isSafeInteger(size)) throw new Error(`the header of ${JSON.stringify(name.slice(0, 200))} has no size`);
}

function isCutOff(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "STREAM_DESTROYED";
}

/** Errors of tar-stream have no code, those of zlib one of its own; all else is the disk's or the caller's. */
function isMalformed(error: unknown): boolean {
  if (error instanceof KubefileError) return false;
  return error instanceof Error && (!("code" in error) || /^Z(?:STD)?_/.test(String(error.code)));
}

async function* bytesOf(content: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const chunk of content) {
    if (chunk instanceof Uint8Array) yield chunk;
  }
}
