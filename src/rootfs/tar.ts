import { once } from "node:events";
import { join } from "node:path";
import { Readable } from "node:stream";
import { type Header, type Pack, pack } from "tar-stream";
import { KubefileError } from "../error.ts";
import { openRegularFile } from "./regular-file.ts";

/** One entry of an archive, its content (if any) read from the tree being packed. */
export type TarMember =
  | { readonly type: "file"; readonly path: string; readonly mode: number; readonly size: number }
  | { readonly type: "directory"; readonly path: string; readonly mode: number }
  | { readonly type: "link"; readonly path: string; readonly target: string }
  | { readonly type: "whiteout"; readonly path: string };

export interface TarOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * The time of every entry, whatever SOURCE_DATE_EPOCH says: the same files are the same layer, in this commit and the next.
 */
const mtime = new Date(0);

/**
 * Packs members in the order given. The same members give the same bytes: one time for all, owner 0 without names, and
 * pax headers exactly for names that ustar cannot hold.
 */
export function tarStream(root: string, members: Iterable<TarMember>, options: TarOptions = {}): Readable {
  const archive = pack();
  // The reader gets the error; a stream without a listener would end the process.
  archive.on("error", () => undefined);
  addAll(archive, root, members, options).then(
    () => archive.finalize(),
    (error: unknown) => archive.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  return Readable.from(archive, { objectMode: false });
}

async function addAll(
  archive: Pack,
  root: string,
  members: Iterable<TarMember>,
  { signal }: TarOptions,
): Promise<void> {
  for (const member of members) {
    signal?.throwIfAborted();
    const header = headerOf(member);
    if (member.type === "file" && member.size > 0) await addFile(archive, header, join(root, member.path), signal);
    else await addEmpty(archive, header);
  }
}

function addEmpty(archive: Pack, header: TarHeader): Promise<void> {
  return new Promise((resolve, reject) => {
    archive.entry(header, "", (error) => (error ? reject(error) : resolve()));
  });
}

async function addFile(archive: Pack, header: TarHeader, path: string, signal: AbortSignal | undefined): Promise<void> {
  let finish: (error?: Error | null) => void = () => undefined;
  const added = new Promise<void>((resolve, reject) => {
    finish = (error) => (error ? reject(error) : resolve());
  });
  // Awaited below, or superseded by the error that ended the file early.
  added.catch(() => undefined);
  const sink = archive.entry(header, finish);
  sink.on("error", () => undefined);
  let read = 0;
  for await (const chunk of await openRegularFile(path, signal)) {
    read += chunk.byteLength;
    if (read > header.size) break;
    if (!sink.write(chunk)) await Promise.race([once(sink, "drain"), added]);
  }
  if (read !== header.size) {
    throw new KubefileError("INTERNAL", `${JSON.stringify(header.name)} changed while it was packed`);
  }
  sink.end(null);
  await added;
}

type TarHeader = Partial<Header> & Pick<Header, "name" | "size">;

function headerOf(member: TarMember): TarHeader {
  const common = { mtime, uid: 0, gid: 0, size: 0 };
  switch (member.type) {
    case "file":
      return { ...common, ...nameOf(member.path), type: "file", mode: member.mode, size: member.size };
    case "directory":
      return { ...common, ...nameOf(`${member.path}/`), type: "directory", mode: member.mode };
    case "link":
      return {
        ...common,
        ...nameOf(member.path, member.target),
        type: "symlink",
        mode: 0o777,
        linkname: member.target,
      };
    case "whiteout":
      return { ...common, ...nameOf(member.path), type: "file", mode: 0o644 };
  }
}

/** Names of more than 100 bytes or beyond ASCII get a pax header; ustar's prefix field is read differently by old tools. */
function nameOf(name: string, linkname = ""): { name: string; pax?: Record<string, string> } {
  return fitsUstar(name) && fitsUstar(linkname) ? { name } : { name, pax: {} };
}

function fitsUstar(name: string): boolean {
  return name.length <= 100 && /^[\x20-\x7e]*$/.test(name);
}
