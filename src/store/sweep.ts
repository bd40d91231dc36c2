import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Layout } from "./layout.ts";
import { type Owner, ownerOf, stateOf } from "./owner.ts";

/** A file that nobody here owns is left alone while it may still be growing under another machine's or container's hand. */
const ABANDONED_AFTER_MILLISECONDS = 60 * 60 * 1_000;

/** Removes what killed processes left in `ingest/`. Returns the names of the files removed. */
export async function sweepIngest(layout: Layout, self: Owner, now: number): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const name of await readdir(layout.ingest)) {
    const path = join(layout.ingest, name);
    if (!(await isAbandoned(path, ownerOf(name), self, now))) continue;
    await rm(path, { recursive: true, force: true });
    removed.push(name);
  }
  return removed;
}

async function isAbandoned(path: string, owner: Owner | undefined, self: Owner, now: number): Promise<boolean> {
  const state = owner === undefined ? "unknown" : await stateOf(owner, self);
  if (state !== "unknown") return state === "dead";
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && now - found.mtimeMs > ABANDONED_AFTER_MILLISECONDS;
}
