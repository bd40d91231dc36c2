import { createHash } from "node:crypto";
import { posix } from "node:path";
import type { Readable } from "node:stream";
import type { Header } from "tar-stream";
import { KubefileError } from "../error.ts";
import { type Digest, finishDigest } from "../oci/digest.ts";
import { readMember, unsafeEntry } from "./archive-member.ts";
import { decompress } from "./decompress.ts";
import { readableMode } from "./mode.ts";
import { readEntries } from "./read-entries.ts";
import { defaultLimits } from "./unpack-rules.ts";
import { hiddenName, OPAQUE_WHITEOUT, WHITEOUT_PREFIX } from "./whiteout.ts";

export type ListedFile =
  | { readonly type: "file"; readonly mode: number; readonly size: number; readonly digest: Digest }
  | { readonly type: "link"; readonly target: string }
  | { readonly type: "directory" };

/** What one layer does to a tree, by paths relative to it. */
export interface LayerFiles {
  readonly entries: ReadonlyMap<string, ListedFile | { readonly type: "hard link"; readonly source: string }>;
  /** Removed from lower layers, with all below. */
  readonly whiteouts: readonly string[];
  /** Directories of which nothing stays that lower layers put there. */
  readonly opaque: readonly string[];
}

/** What may still be read; shared by the layers of a comparison, and used up by them. */
export interface ReadingBudget {
  entries: number;
  /** Of the tars, uncompressed. */
  bytes: number;
}

/**
 * Reads what a layer's tar holds, without unpacking it: contents are hashed as they come, and nothing is written.
 *
 * @param layer as it stands in the store, compressed or not
 * @throws KubefileError UNSAFE_ARCHIVE when it is hostile, no tar, or more than the budget; UNSUPPORTED for a compression that
 * cannot be read here
 */
export async function listLayer(
  layer: Readable,
  budget: ReadingBudget,
  signal?: AbortSignal,
  name = "the layer",
): Promise<LayerFiles> {
  const entries = new Map<string, ListedFile | { readonly type: "hard link"; readonly source: string }>();
  const whiteouts: string[] = [];
  const opaque: string[] = [];
  const add = async (header: Header, content: AsyncIterable<Uint8Array>): Promise<void> => {
    budget.entries -= 1;
    if (budget.entries < 0) throw tooLarge(name, "entries");
    const rules = { archive: name, stripPrefix: "", base: "", maxPathBytes: defaultLimits.pathBytes };
    const member = readMember(header, rules);
    if (member === undefined) return;
    const file = posix.basename(member.path);
    if (file === OPAQUE_WHITEOUT) opaque.push(directoryOf(member.path));
    else if (file.startsWith(WHITEOUT_PREFIX)) {
      const hidden = hiddenName(file, (why) => unsafeEntry(name, header.name, why));
      if (hidden !== undefined) whiteouts.push(posix.join(directoryOf(member.path), hidden));
    } else if (member.type === "file")
      entries.set(member.path, await hashed(content, readableMode("file", member.mode)));
    else if (member.type === "link") entries.set(member.path, { type: "link", target: member.target });
    else if (member.type === "hard link") entries.set(member.path, { type: "hard link", source: member.source });
    else entries.set(member.path, { type: "directory" });
  };
  const counted = async function* (chunks: AsyncIterable<string | Buffer>): AsyncGenerator<string | Buffer> {
    for await (const chunk of chunks) {
      budget.bytes -= chunk.length;
      if (budget.bytes < 0) throw tooLarge(name, "bytes");
      yield chunk;
    }
  };
  await readEntries(await decompress(layer), { archive: name, counted, entry: add }, signal);
  return { entries, whiteouts, opaque };
}

async function hashed(content: AsyncIterable<Uint8Array>, mode: number): Promise<ListedFile> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of content) {
    hash.update(chunk);
    size += chunk.byteLength;
  }
  return { type: "file", mode, size, digest: finishDigest(hash) };
}

function tooLarge(name: string, what: string): KubefileError {
  return new KubefileError("UNSAFE_ARCHIVE", `${name} has more ${what} than are read for a comparison`);
}

function directoryOf(path: string): string {
  const directory = posix.dirname(path);
  return directory === "." ? "" : directory;
}
