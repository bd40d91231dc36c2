import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { KubefileError } from "../error.ts";
import { canonicalJson } from "../oci/canonical-json.ts";
import { type Digest, digestOf } from "../oci/digest.ts";
import { OCI_CONFIG, OCI_MANIFEST } from "../oci/media-types.ts";
import { formatRepository, type Repository } from "../oci/reference.ts";
import { RegistryError } from "../registry/errors.ts";
import type { RegistryClient } from "../registry/types.ts";

export interface RemoveTagOptions {
  readonly client: RegistryClient;
  readonly repository: Repository;
  readonly tag: string;
  /** Another way to delete at a registry that does not do it itself; the client's own when absent. */
  readonly deleteManifest?: RegistryClient["deleteManifest"] | undefined;
  readonly signal: AbortSignal;
}

/** Where deletes go another way than looks, the latter may come too early. */
const LOOKS = 4;
const PAUSE_MILLISECONDS = 1_000;

/**
 * Takes a tag away, and nothing else: the image stays under its digest and under every other tag. A registry deletes
 * either a tag, which is what is asked for, or a digest, with all of its tags. Where it can do only the latter, the tag
 * is put on a manifest that nothing else stands for, and that is deleted.
 *
 * @throws KubefileError REGISTRY when the registry deletes nothing; then the tag stands where it stood
 * @throws RegistryError for any other refusal
 */
export async function removeTag(options: RemoveTagOptions): Promise<"removed" | "absent"> {
  const { client, repository, tag, deleteManifest = client.deleteManifest, signal } = options;
  if (!(await isThere(options))) return "absent";
  const byTag = await deleteManifest(repository, tag, { signal });
  if (byTag !== "refused" && !(await isThere(options))) return "removed";
  const decoy = decoyOf(repository, tag);
  const config = { digest: digestOf(decoy.config), size: decoy.config.byteLength };
  const open = async (): Promise<Readable> => Readable.from([decoy.config], { objectMode: false });
  await client.pushBlob(repository, { ...config, open }, { signal });
  // Without its tag at first: a registry that deletes nothing would leave the tag on the decoy.
  await client.pushManifest(repository, decoy.digest, OCI_MANIFEST, decoy.manifest, { signal });
  if ((await deleteManifest(repository, decoy.digest, { signal })) === "refused") throw deletesNothing(options);
  await client.pushManifest(repository, tag, OCI_MANIFEST, decoy.manifest, { signal });
  await deleteManifest(repository, decoy.digest, { signal });
  for (let look = 1; await isThere(options); look += 1) {
    if (look === LOOKS) throw deletesNothing(options);
    await sleep(PAUSE_MILLISECONDS, undefined, { signal });
  }
  return "removed";
}

async function isThere({ client, repository, tag, signal }: RemoveTagOptions): Promise<boolean> {
  try {
    await client.resolve(repository, tag, { signal });
    return true;
  } catch (error) {
    if (error instanceof RegistryError && error.status === 404) return false;
    throw error;
  }
}

/** An image of nothing whose bytes, and so whose digest, no other tag has. */
function decoyOf(
  repository: Repository,
  tag: string,
): { readonly config: Buffer; readonly manifest: Buffer; readonly digest: Digest } {
  const config = Buffer.from(canonicalJson({ architecture: "", os: "", rootfs: { type: "layers", diff_ids: [] } }));
  const manifest = Buffer.from(
    canonicalJson({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: { mediaType: OCI_CONFIG, digest: digestOf(config), size: config.byteLength },
      layers: [],
      annotations: { "io.kubefile.removed": `${formatRepository(repository)}:${tag}` },
    }),
  );
  return { config, manifest, digest: digestOf(manifest) };
}

function deletesNothing({ repository, tag }: RemoveTagOptions): KubefileError {
  return new KubefileError("REGISTRY", `${repository.host} deletes no tags: ${formatRepository(repository)}:${tag}`, {
    hint: "allow it there (REGISTRY_STORAGE_DELETE_ENABLED=true, say), or remove the tag by the registry's own means",
  });
}
