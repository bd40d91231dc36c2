import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { ownerLiveness } from "./file-owner.ts";
import type { Layout } from "./layout.ts";

/** A file that nobody here owns is left alone while it may still be growing under another machine's or container's hand. */
const ABANDONED_AFTER_MILLISECONDS = 60 * 60 * 1_000;

/** Removes what killed processes left in `ingest/`. Returns the names of the files removed. */
export async function sweepIngest(layout: Layout, now: number): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const name of await readdir(layout.ingest).catch(ignoreMissing)) {
    const path = join(layout.ingest, name);
    if (!(await isAbandoned(path, name, now))) continue;
    await rm(path, { recursive: true, force: true });
    removed.push(name);
  }
  return removed;
}

async function isAbandoned(path: string, name: string, now: number): Promise<boolean> {
  const owner = await ownerLiveness(name);
  if (owner !== "unknown") return owner === "dead";
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && now - found.mtimeMs > ABANDONED_AFTER_MILLISECONDS;
}

function ignoreMissing(error: unknown): readonly string[] {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
  throw error;
}
