import { lstat, open, readdir } from "node:fs/promises";
import { join } from "node:path";

export interface RootfsListing {
  /** Relative, in code unit order. */
  readonly files: readonly string[];
  /** Directories that hold a Chart.yaml, in code unit order. */
  readonly charts: readonly string[];
}

const MAX_FILES = 50_000;
const MAX_DEPTH = 40;
/** Larger than any manifest that an API server takes. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Every file that may name images. Links are not followed: they may lead out of the rootfs. */
export async function listRootfs(root: string, signal?: AbortSignal): Promise<RootfsListing> {
  const files: string[] = [];
  const charts: string[] = [];
  const visit = async (directory: string, depth: number): Promise<void> => {
    signal?.throwIfAborted();
    const entries = await readdir(join(root, directory), { withFileTypes: true });
    for (const entry of entries) {
      const path = directory === "" ? entry.name : `${directory}/${entry.name}`;
      if (entry.isDirectory() && depth < MAX_DEPTH && path !== "registry") await visit(path, depth + 1);
      if (!entry.isFile() || files.length >= MAX_FILES) continue;
      if (mayNameImages(path)) files.push(path);
      if (entry.name === "Chart.yaml") charts.push(directory);
    }
  };
  await visit("", 0);
  return { files: files.sort(), charts: charts.sort() };
}

/** A file's text; undefined when it is too large, binary, or no file any more. */
export async function readRootfsFile(root: string, path: string): Promise<string | undefined> {
  const file = join(root, path);
  if (!(await lstat(file)).isFile()) return undefined;
  await using handle = await open(file);
  const { size } = await handle.stat();
  if (size > MAX_BYTES) return undefined;
  const buffer = Buffer.alloc(size);
  const { bytesRead } = await handle.read(buffer, 0, size, 0);
  const bytes = buffer.subarray(0, bytesRead);
  return bytes.includes(0) ? undefined : bytes.toString("utf8");
}

/** YAML and JSON anywhere; in the folders that hold manifests also templates, lists and files without an ending. */
function mayNameImages(path: string): boolean {
  if (/\.(ya?ml|json)$/i.test(path)) return true;
  const inFolder = /^(manifests|charts|etc|application\/apps)\//.test(path);
  return inFolder && (/\.tpl$/.test(path) || !/\.[^/]*$/.test(path));
}
