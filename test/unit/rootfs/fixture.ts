import { chmod, lstat, mkdir, mkdtemp, readFile, readlink, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { Readable as NodeReadable } from "node:stream";
import { type Header, pack } from "tar-stream";
import type { IgnoreRules } from "../../../src/kubefile/ignore-file.ts";
import { type CopyOptions, copyIntoRootfs } from "../../../src/rootfs/copy.ts";
import { removeTree } from "../../../src/rootfs/remove-tree.ts";
import { walkTree } from "../../../src/rootfs/walk.ts";

/** Directories of one test file, removed together. */
export function temporaryDirectories(): { create(): Promise<string>; remove(): Promise<void> } {
  const made: string[] = [];
  return {
    async create() {
      const directory = await mkdtemp(join(tmpdir(), "kubefile-rootfs-"));
      made.push(directory);
      return directory;
    },
    async remove() {
      for (const directory of made) await removeTree(directory);
    },
  };
}

/** A tree written down: text is a file, `{ link }` a link, null a directory. */
export type Listing = Record<string, string | null | { link: string } | { text: string; mode: number }>;

export async function writeTree(root: string, listing: Listing): Promise<void> {
  for (const [path, content] of Object.entries(listing)) {
    const absolute = join(root, path);
    await mkdir(dirname(absolute), { recursive: true });
    if (content === null) await mkdir(absolute, { recursive: true });
    else if (typeof content === "string") await writeFile(absolute, content);
    else if ("link" in content) await symlink(content.link, absolute);
    else {
      await writeFile(absolute, content.text);
      await chmod(absolute, content.mode);
    }
  }
}

/** What is in a tree, one line an entry: `755 bin/`, `644 etc/a "text"`, `link -> target`. */
export async function listTree(root: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const found of walkTree(root)) {
    const absolute = join(root, found.path);
    const mode = ((await lstat(absolute)).mode & 0o7777).toString(8);
    if (found.type === "link") lines.push(`${found.path} -> ${await readlink(absolute)}`);
    else if (found.type === "directory") lines.push(`${mode} ${found.path}/`);
    else lines.push(`${mode} ${found.path} ${JSON.stringify(await readFile(absolute, "utf8"))}`);
  }
  return lines;
}

export type Member = Partial<Header> & { name: string; content?: string };

/** A tar of the given headers, however strange. */
export function tarOf(...members: Member[]): Readable {
  const archive = pack();
  for (const { content, ...header } of members) archive.entry({ mtime: new Date(0), ...header }, content ?? "");
  archive.finalize();
  return NodeReadable.from(archive, { objectMode: false });
}

/** A COPY of paths of a build context; with `unpack` an ADD. */
export interface ContextCopy extends Omit<CopyOptions, "sources"> {
  readonly context: string;
  readonly ignore?: IgnoreRules;
  readonly sources: readonly string[];
  readonly unpack?: boolean;
}

export async function copyFromContext({
  context,
  ignore,
  sources,
  unpack = false,
  ...options
}: ContextCopy): Promise<void> {
  const tree = { root: context, name: "context", ...(ignore === undefined ? {} : { ignore }) };
  await copyIntoRootfs({ ...options, sources: [{ kind: "paths", tree, paths: sources, unpack }] });
}
