import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { formatPlatform, type Platform } from "../oci/descriptor.ts";
import { digestOf, hexOf } from "../oci/digest.ts";
import { parseTrail } from "../plan/parse-trail.ts";
import type { Trail } from "../plan/trail.ts";

/** Trails that are kept; the oldest go first. */
const KEPT = 64;
/** Bytes of one. */
const LARGEST = 8 * 1024 * 1024;

/** Where a store keeps the trails of the Kubefiles that were built with it. */
export interface TrailFile {
  /** Undefined when there is none that can be read: then the output says less, and nothing else changes. */
  read(): Promise<Trail | undefined>;
  /** Never fails: the next build says less, that is all. */
  write(trail: Trail | undefined): Promise<void>;
}

/**
 * @param kubefile absolute path, which says whose trail it is
 * @param platform what is built, as each has its own
 */
export function trailFile(store: { readonly directory: string }, kubefile: string, platform: Platform): TrailFile {
  const directory = join(store.directory, "trails");
  const path = join(directory, `${hexOf(digestOf(`${formatPlatform(platform)} ${kubefile}`)).slice(0, 32)}.json`);
  return {
    async read() {
      const text = await readFile(path, "utf8").catch(() => "");
      return parseTrail(text);
    },
    async write(trail) {
      const text = trail === undefined ? "" : JSON.stringify(trail);
      if (text === "" || text.length > LARGEST) return;
      // Two builds of one Kubefile may end at the same moment; the later one's is as good as the other's.
      const partial = `${path}.${randomUUID()}`;
      try {
        await mkdir(directory, { recursive: true });
        await writeFile(partial, text, { mode: 0o600 });
        await rename(partial, path);
        await removeOldest(directory);
      } catch {
        await rm(partial, { force: true }).catch(() => undefined);
      }
    },
  };
}

async function removeOldest(directory: string): Promise<void> {
  const names = await readdir(directory);
  if (names.length <= KEPT) return;
  const times = await Promise.all(
    names.map(async (name) => ({
      name,
      time: (await stat(join(directory, name)).catch(() => undefined))?.mtimeMs ?? 0,
    })),
  );
  const oldest = times.sort((left, right) => left.time - right.time).slice(0, names.length - KEPT);
  for (const { name } of oldest) await rm(join(directory, name), { force: true });
}
