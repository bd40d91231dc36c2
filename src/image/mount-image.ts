import { KubefileError } from "../error.ts";
import type { Digest } from "../oci/digest.ts";
import { parseManifest } from "../oci/manifest.ts";
import { formatRepository, type Repository } from "../oci/reference.ts";
import type { ManifestContent, RegistryClient } from "../registry/types.ts";
import { forEachParallel } from "./parallel.ts";
import { countOf } from "./text-table.ts";

export interface MountOptions {
  readonly client: RegistryClient;
  readonly from: Repository;
  /** Another repository of the same registry. */
  readonly to: Repository;
  readonly manifest: ManifestContent;
  readonly signal?: AbortSignal | undefined;
}

const PARALLEL_MOUNTS = 6;
/** An index in an index is legal; more than this is not met outside of attacks. */
const MAX_DEPTH = 4;

/**
 * Makes a manifest and everything below it known in another repository of the same registry, the registry doing all the
 * work: blobs are mounted, then manifests put, children first.
 *
 * @throws KubefileError REGISTRY when the registry does not mount, and RegistryError
 */
export async function mountImage(options: MountOptions): Promise<void> {
  const { client, from, to, signal } = options;
  const { manifests, blobs } = await collect(options);
  const refused: Digest[] = [];
  await forEachParallel(blobs, PARALLEL_MOUNTS, signal, async (digest, signal) => {
    if (await client.holdsBlob(to, digest, { signal })) return;
    if (!(await client.mountBlob(to, digest, from.path, { signal }))) refused.push(digest);
  });
  if (refused.length > 0) {
    const which = `${countOf(refused.length, "blob")} of ${blobs.size}`;
    throw new KubefileError(
      "REGISTRY",
      `${to.host} does not mount ${which} from ${from.path} into ${to.path}, and tag sends nothing itself`,
      {
        hint: `check that you may read ${formatRepository(from)} and write ${formatRepository(to)}; where a registry cannot mount, use \`kubefile push\``,
      },
    );
  }
  for (const { digest, mediaType, bytes } of manifests) {
    await client.pushManifest(to, digest, mediaType, bytes, { signal });
  }
}

/** Children before their parents. */
async function collect({ client, from, manifest, signal }: MountOptions): Promise<{
  readonly manifests: readonly ManifestContent[];
  readonly blobs: ReadonlySet<Digest>;
}> {
  const manifests = new Map<Digest, ManifestContent>();
  const blobs = new Set<Digest>();
  const visit = async (content: ManifestContent, depth: number): Promise<void> => {
    const parsed = parseManifest(content.bytes, content.mediaType);
    if (parsed.kind === "image") for (const { digest } of [parsed.config, ...parsed.layers]) blobs.add(digest);
    else if (depth === MAX_DEPTH) {
      throw new KubefileError("ARTIFACT_INVALID", `${content.digest}: indexes are nested more than ${MAX_DEPTH} deep`);
    } else {
      for (const { digest } of parsed.manifests) {
        if (!manifests.has(digest)) await visit(await client.manifest(from, digest, { signal }), depth + 1);
      }
    }
    manifests.set(content.digest, content);
  };
  await visit(manifest, 0);
  return { manifests: [...manifests.values()], blobs };
}
