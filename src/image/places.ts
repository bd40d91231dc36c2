import { randomUUID } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { canonicalJson } from "../oci/canonical-json.ts";
import { type Digest, isDigest } from "../oci/digest.ts";
import { isRecord } from "../oci/json-record.ts";
import { formatRepository, isRegistryHost, isRepositoryPath, type Repository } from "../oci/reference.ts";
import { withFileLock } from "../store/file-lock.ts";

/** A repository that held a cluster image when this store last pushed it there or fetched it from there. */
export interface Place {
  readonly repository: Repository;
  /** Of the manifest. Its blobs are in the repository as long as it is. */
  readonly digest: Digest;
}

const MAX_PLACES = 500;

/**
 * The places that this store knows of, the latest first. Only a help, which spares transfers: a file that is absent,
 * broken or someone else's counts as empty.
 */
export async function readPlaces(directory: string): Promise<readonly Place[]> {
  try {
    const json: unknown = JSON.parse(await readFile(fileIn(directory), "utf8"));
    return isRecord(json) && json.schemaVersion === 1 && Array.isArray(json.places)
      ? json.places.flatMap(readPlace).slice(0, MAX_PLACES)
      : [];
  } catch {
    return [];
  }
}

/** Puts a place first. Never fails; a place that cannot be written down is one help less. */
export async function rememberPlace(directory: string, place: Place, signal?: AbortSignal): Promise<void> {
  const path = fileIn(directory);
  const partial = `${path}.${randomUUID()}`;
  try {
    await withFileLock(`${path}.lock`, signal, async () => {
      const others = (await readPlaces(directory)).filter((other) => nameOf(other) !== nameOf(place));
      const places = [place, ...others]
        .slice(0, MAX_PLACES)
        .map(({ repository: { host, path }, digest }) => ({ host, path, digest }));
      await writeFile(partial, canonicalJson({ schemaVersion: 1, places }), { mode: 0o600 });
      await rename(partial, path);
    });
  } catch {
    await rm(partial, { force: true }).catch(() => undefined);
  }
}

function fileIn(directory: string): string {
  return join(directory, "places.json");
}

function nameOf({ repository, digest }: Place): string {
  return `${formatRepository(repository)}@${digest}`;
}

function readPlace(entry: unknown): Place[] {
  if (!isRecord(entry)) return [];
  const { host, path, digest } = entry;
  if (typeof host !== "string" || typeof path !== "string" || typeof digest !== "string") return [];
  if (!isRegistryHost(host) || !isRepositoryPath(path) || !isDigest(digest)) return [];
  return [{ repository: { host, path }, digest }];
}
