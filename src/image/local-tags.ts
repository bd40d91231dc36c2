import { randomUUID } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { errorMessage, KubefileError } from "../error.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { parseManifest } from "../oci/manifest.ts";
import { OCI_INDEX } from "../oci/media-types.ts";
import { formatReference, type Reference } from "../oci/reference.ts";
import { withFileLock } from "../store/file-lock.ts";

const REF_NAME = "org.opencontainers.image.ref.name";
/** When the name was given here; no part of any image. */
const TAGGED = "vnd.kubefile.tagged";
/** Whose build gave it; absent for names of earlier versions. */
const GIVEN_BY = "vnd.kubefile.given-by";

/** A name that a build gave to a cluster image of this store. */
export interface LocalTag {
  /** The full form. */
  readonly reference: string;
  /** Of the cluster image's manifest. */
  readonly descriptor: Descriptor;
  /** RFC 3339. */
  readonly tagged: string | undefined;
  /** What `givenBy` said. */
  readonly givenBy: string | undefined;
}

export interface TagOptions {
  readonly now: Date;
  /** Whose build gives the name, for those who do not believe everybody (cache/trust.ts). */
  readonly givenBy?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Names a manifest in the store's index.json (image-spec, image-layout.md); takes the name from any other. */
export async function tagLocal(
  directory: string,
  reference: Reference,
  descriptor: Descriptor,
  { now, givenBy, signal }: TagOptions,
): Promise<void> {
  const name = formatReference(reference);
  const { annotations: _, ...bare } = descriptor;
  const giver = givenBy === undefined ? {} : { [GIVEN_BY]: givenBy };
  const entry = { ...bare, annotations: { [REF_NAME]: name, [TAGGED]: now.toISOString(), ...giver } };
  await update(directory, signal, (entries) => [...entries.filter((other) => nameOf(other) !== name), entry]);
}

/** Takes a name away; what it stood for stays. */
export async function untagLocal(
  directory: string,
  reference: Reference,
  signal: AbortSignal | undefined,
): Promise<void> {
  const name = formatReference(reference);
  if (!(await readIndex(directory)).some((entry) => nameOf(entry) === name)) return;
  await update(directory, signal, (entries) => entries.filter((entry) => nameOf(entry) !== name));
}

/** Every name, sorted. */
export async function listLocal(directory: string): Promise<readonly LocalTag[]> {
  return (await readIndex(directory))
    .flatMap((entry) => {
      const reference = nameOf(entry);
      const { annotations, ...descriptor } = entry;
      if (reference === undefined) return [];
      return [{ reference, descriptor, tagged: annotations?.[TAGGED], givenBy: annotations?.[GIVEN_BY] }];
    })
    .sort((left, right) => (left.reference < right.reference ? -1 : 1));
}

/** What the store's index.json leads to: what has a name, and what another tool has put there without one. */
export async function listIndexed(directory: string): Promise<readonly Descriptor[]> {
  return readIndex(directory);
}

/** What a name stands for here: by its tag, or by digest whatever its name. */
export async function resolveLocal(directory: string, reference: Reference): Promise<Descriptor | undefined> {
  return (await findLocal(directory, reference))?.descriptor;
}

/** The same, with all that is known of the name. */
export async function findLocal(directory: string, reference: Reference): Promise<LocalTag | undefined> {
  const tags = await listLocal(directory);
  const byDigest = (tag: LocalTag): boolean => tag.descriptor.digest === reference.digest;
  const byName = (tag: LocalTag): boolean => tag.reference === formatReference(reference);
  return tags.find(reference.digest === undefined ? byName : byDigest);
}

async function update(
  directory: string,
  signal: AbortSignal | undefined,
  change: (entries: readonly Descriptor[]) => readonly Descriptor[],
): Promise<void> {
  const path = join(directory, "index.json");
  await withFileLock(`${path}.lock`, signal, async () => {
    const manifests = change(await readIndex(directory));
    const partial = `${path}.${randomUUID()}`;
    try {
      const file = await open(partial, "wx");
      try {
        await file.writeFile(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(partial, path);
    } catch (error) {
      await rm(partial, { force: true });
      throw new KubefileError("STORE_UNUSABLE", `cannot write ${path}: ${errorMessage(error)}`, { cause: error });
    }
  });
}

async function readIndex(directory: string): Promise<readonly Descriptor[]> {
  const path = join(directory, "index.json");
  try {
    const index = parseManifest(await readFile(path), OCI_INDEX);
    if (index.kind === "index") return index.manifests;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    if (!(error instanceof KubefileError)) {
      throw new KubefileError("STORE_UNUSABLE", `cannot read ${path}: ${errorMessage(error)}`, { cause: error });
    }
  }
  throw new KubefileError("STORE_CORRUPT", `${path} is not an OCI index`, {
    hint: "remove the file: the images stay, their names are lost until they are built again",
  });
}

function nameOf(entry: Descriptor): string | undefined {
  return entry.annotations?.[REF_NAME];
}
