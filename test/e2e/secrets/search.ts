import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

/** Files below a directory that hold a text, compressed ones included; paths relative to it. */
export async function filesWith(directory: string, text: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const found: string[] = [];
  for (const file of files) {
    const bytes = await readFile(file).catch(() => Buffer.alloc(0));
    const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
    if (bytes.includes(text) || (isGzip && gunzipSync(bytes).includes(text)))
      found.push(file.slice(directory.length + 1));
  }
  return found.sort();
}

/** Command lines of all programs of the machine that hold one of some texts; of a container's programs, too. */
export async function commandLinesWith(texts: readonly string[]): Promise<readonly string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const lines = await Promise.all(
    pids.map(async (pid) => (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).replaceAll("\0", " ")),
  );
  return lines.filter((line) => texts.some((text) => line.includes(text)));
}
