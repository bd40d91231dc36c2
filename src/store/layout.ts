import { mkdir, open, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, hexOf } from "../oci/digest.ts";
import { OCI_INDEX } from "../oci/media-types.ts";

/** Paths of an OCI image layout (image-spec, image-layout.md) with one directory more for blobs on their way in. */
export interface Layout {
  readonly directory: string;
  readonly blobs: string;
  /** On the same file system as `blobs`, so that a rename is atomic. */
  readonly ingest: string;
}

export function layoutOf(directory: string): Layout {
  return { directory, blobs: join(directory, "blobs", "sha256"), ingest: join(directory, "ingest") };
}

export async function createLayout(directory: string): Promise<Layout> {
  const layout = layoutOf(directory);
  // Layers of private images lie here, so nobody else on the machine may look inside.
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await mkdir(layout.blobs, { recursive: true });
  await mkdir(layout.ingest, { recursive: true });
  await writeOnce(join(directory, "oci-layout"), { imageLayoutVersion: "1.0.0" });
  await writeOnce(join(directory, "index.json"), { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] });
  return layout;
}

export function blobPath(layout: Layout, digest: Digest): string {
  return join(layout.blobs, hexOf(digest));
}

/** Moves a finished file to its place and makes the new name survive a power cut. */
export async function publish(layout: Layout, from: string, digest: Digest): Promise<void> {
  await rename(from, blobPath(layout, digest));
  const directory = await open(layout.blobs, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function writeOnce(path: string, content: object): Promise<void> {
  try {
    await writeFile(path, JSON.stringify(content), { flag: "wx" });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}
