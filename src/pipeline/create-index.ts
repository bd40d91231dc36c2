import { type ClusterIndex, platformTag, writeClusterIndex } from "../image/cluster-index.ts";
import { copyImage } from "../image/copy-image.ts";
import { checkJoin, joinWarnings, type NamedImage } from "../image/join-rules.ts";
import { fetchHead } from "../image/load.ts";
import { putIndex } from "../image/put-index.ts";
import { registryFailure } from "../image/registry-failure.ts";
import { countOf } from "../image/text-table.ts";
import type { Digest } from "../oci/digest.ts";
import { parseManifest } from "../oci/manifest.ts";
import {
  formatReference,
  formatRepository,
  manifestReference,
  type Reference,
  type Repository,
} from "../oci/reference.ts";
import { openStore } from "../store/store.ts";
import type { Store } from "../store/types.ts";
import type { Host } from "./host.ts";

export interface IndexOptions {
  /** Cluster images at registries; of an index all that it has. */
  readonly images: readonly Reference[];
  /** Names of the index, each with a tag. */
  readonly targets: readonly Reference[];
  /** Platforms whose grades differ may stand together. */
  readonly mixedGrades: boolean;
}

interface FoundImage extends NamedImage {
  readonly repository: Repository;
}

/**
 * Joins cluster images, each of one platform, under one name: an index in the repository of each target, with its images
 * beside it, each under a tag of its own (`1.0-arm64`). Images of other repositories are brought there first.
 *
 * @throws KubefileError USAGE for images that do not go together, ARTIFACT_INVALID for what is no cluster image, REGISTRY
 */
export async function createIndex(host: Host, options: IndexOptions): Promise<ClusterIndex> {
  for (const { host: registry } of [...options.images, ...options.targets]) host.trustRegistry(registry);
  const store = await openStore(host.directories.store);
  try {
    return await host.progress.phase("index", async (phase) => {
      const found = await findImages(host, store, options.images, (text) => phase.update(text));
      checkJoin(found, options);
      for (const warning of joinWarnings(found)) host.progress.note("warning", warning);
      const index = writeClusterIndex(found.map(({ image }) => image));
      await store.write(index.bytes, { expected: index.digest, signal: host.signal });
      for (const [name, targets] of byRepository(options.targets)) {
        await putBeside(host, { found, index, targets, tell: (text) => phase.update(`${name}: ${text}`) });
      }
      phase.summary(`${index.digest}, ${countOf(found.length, "platform")}`);
      return index;
    });
  } finally {
    await store.close();
  }
}

/** Each once, however often it is named. */
async function findImages(
  host: Host,
  store: Store,
  references: readonly Reference[],
  tell: (text: string) => void,
): Promise<readonly FoundImage[]> {
  const { client, signal } = host;
  const found = new Map<Digest, FoundImage>();
  for (const reference of references) {
    tell(`looking at ${formatReference(reference)}`);
    const content = await client
      .manifest(reference, manifestReference(reference), { signal })
      .catch((error: unknown) => Promise.reject(registryFailure("fetch", reference.host, error)));
    const manifest = parseManifest(content.bytes, content.mediaType);
    const digests = manifest.kind === "image" ? [content.digest] : manifest.manifests.map(({ digest }) => digest);
    const repository: Repository = { host: reference.host, path: reference.path };
    for (const digest of digests) {
      const image = await fetchHead({ client, store, reference: { ...repository, digest }, signal });
      const name = manifest.kind === "image" ? formatReference(reference) : formatReference({ ...repository, digest });
      if (!found.has(digest)) found.set(digest, { name, image, repository });
    }
  }
  return [...found.values()];
}

async function putBeside(
  { client, signal }: Host,
  parts: {
    readonly found: readonly FoundImage[];
    readonly index: ClusterIndex;
    /** Names in one repository. */
    readonly targets: readonly Reference[];
    readonly tell: (text: string) => void;
  },
): Promise<void> {
  const { found, index, targets, tell } = parts;
  const [first] = targets;
  if (first === undefined) return;
  const to: Repository = { host: first.host, path: first.path };
  const tags = targets.flatMap(({ tag }) => tag ?? []);
  for (const { image, repository, name } of found) {
    await copyImage({
      ...{ client, image, from: repository, to, signal },
      tags: tags.map((tag) => platformTag(tag, image.config.platform)),
      onProgress: (done, total) => tell(`${done} of ${countOf(total, "blob")} of ${name}`),
    });
  }
  await putIndex({ client, repository: to, index, tags, signal });
}

function byRepository(targets: readonly Reference[]): ReadonlyMap<string, readonly Reference[]> {
  const grouped = new Map<string, Reference[]>();
  for (const target of targets) {
    const name = formatRepository(target);
    grouped.set(name, [...(grouped.get(name) ?? []), target]);
  }
  return grouped;
}
