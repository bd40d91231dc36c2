import { pipeline } from "node:stream/promises";
import { extract } from "tar-stream";
import { errorMessage, KubefileError } from "../error.ts";
import type { UnpackRules } from "./unpack-rules.ts";
import { UnpackTarget } from "./unpack-target.ts";

/**
 * Unpacks a tar, which may be hostile, into the real directory `root`. Nothing is written through a link and no link
 * leads out. When it throws, part of the archive is there.
 *
 * @throws KubefileError UNSAFE_ARCHIVE naming the entry.
 */
export async function unpack(root: string, tar: NodeJS.ReadableStream, rules: UnpackRules): Promise<void> {
  const archive = extract();
  const target = new UnpackTarget(root, rules);
  const feeding = pipeline(tar, (chunks: AsyncIterable<string | Buffer>) => target.counted(chunks), archive, {
    signal: rules.signal,
  });
  const fed = feeding.then(
    () => undefined,
    (error: unknown) => error,
  );
  try {
    for await (const content of archive) {
      await target.add(content.header, bytesOf(content));
      content.resume();
    }
    await feeding;
  } catch (error) {
    rules.signal?.throwIfAborted();
    // When the archive's bytes end with an error, the entry being read only knows that it was cut off.
    const cause = isCutOff(error) ? ((await fed) ?? error) : error;
    if (!isMalformed(cause)) throw cause;
    throw new KubefileError("UNSAFE_ARCHIVE", `${rules.archive} is not a whole tar archive: ${errorMessage(cause)}`, {
      cause,
    });
  }
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
