import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setImmediate } from "node:timers/promises";
import pLimit from "p-limit";
import { KubefileError } from "../error.ts";
import { type Digest, digestOf } from "../oci/digest.ts";
import { throwTogether } from "./problems.ts";
import { digestOfFile, READ_FLAGS } from "./regular-file.ts";

export interface HashedFile {
  /** As the file has it. */
  readonly mode: number;
  readonly digest: Digest;
}

/**
 * Up to here a file is read at once and without leaving the thread, which takes a seventh of the time of three trips
 * to the thread pool; larger ones are streamed, several at a time.
 */
const SMALL_BYTES = 128 * 1024;
const PARALLEL_STREAMS = 4;
/** How long small files may keep the process from all else. */
const SLICE_MILLISECONDS = 10;

/**
 * Digests and modes of regular files below `root`, by path; links are not followed.
 *
 * @throws KubefileError SOURCE_MISSING with all that this user may not read
 */
export async function hashFiles(
  root: string,
  paths: readonly string[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, HashedFile>> {
  signal?.throwIfAborted();
  const hashed = new Map<string, HashedFile>();
  const large: { readonly path: string; readonly mode: number }[] = [];
  const buffer = Buffer.allocUnsafe(SMALL_BYTES);
  const problems: KubefileError[] = [];
  let sliceEnd = performance.now() + SLICE_MILLISECONDS;
  for (const path of paths) {
    try {
      const { mode, content } = readSmall(join(root, path), buffer);
      if (content === undefined) large.push({ path, mode });
      else hashed.set(path, { mode, digest: digestOf(content) });
    } catch (error) {
      problems.push(unreadable(path, error));
    }
    if (performance.now() < sliceEnd) continue;
    await setImmediate();
    signal?.throwIfAborted();
    sliceEnd = performance.now() + SLICE_MILLISECONDS;
  }
  throwTogether(problems);
  const limit = pLimit(PARALLEL_STREAMS);
  await Promise.all(
    large.map(({ path, mode }) =>
      limit(async () => hashed.set(path, { mode, digest: await digestOfFile(join(root, path), signal) })),
    ),
  ).finally(() => limit.clearQueue());
  return hashed;
}

/** @throws the error itself when it tells of anything else */
function unreadable(path: string, error: unknown): KubefileError {
  if (!(error instanceof Error && "code" in error && error.code === "EACCES")) throw error;
  return new KubefileError("SOURCE_MISSING", `the file ${JSON.stringify(path)} cannot be read: permission denied`, {
    hint: "make it readable for this user, or leave it out with a line in .kubefileignore",
    cause: error,
  });
}

/** The whole content of a small file, valid until the next call; undefined of a large one. */
function readSmall(path: string, buffer: Buffer): { readonly mode: number; readonly content: Buffer | undefined } {
  const file = openSync(path, READ_FLAGS);
  try {
    const { mode, size } = fstatSync(file);
    if (size >= buffer.byteLength) return { mode, content: undefined };
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.byteLength; length += read) {
      read = readSync(file, buffer, length, buffer.byteLength - length, null);
    }
    return { mode, content: length === buffer.byteLength ? undefined : buffer.subarray(0, length) };
  } finally {
    closeSync(file);
  }
}
