import { KubefileError } from "../error.ts";
import { type MovedTags, moveTags } from "../image/move-tags.ts";
import { choosePlatform } from "../image/platform-image.ts";
import { registryFailure } from "../image/registry-failure.ts";
import { countOf } from "../image/text-table.ts";
import type { Platform } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { parseManifest } from "../oci/manifest.ts";
import { formatReference, manifestReference, type Reference } from "../oci/reference.ts";
import type { Host } from "./host.ts";

export interface TagOptions {
  readonly source: Reference;
  readonly targets: readonly Reference[];
  readonly expected: Digest | "none" | undefined;
  /** Which image of an index; the index itself when absent. */
  readonly platform?: Platform | undefined;
}

/** Moves names within a registry; each is named once, however often it was asked for. */
export async function tag(host: Host, { source: named, targets, expected, platform }: TagOptions): Promise<MovedTags> {
  host.trustRegistry(named.host);
  const unique = [...new Map(targets.map((target) => [formatReference(target), target])).values()];
  return host.progress.phase("tag", async (phase) => {
    const { client, signal } = host;
    const source = platform === undefined ? named : await platformSource(host, named, platform);
    const moved = await moveTags({ client, source, targets: unique, expected, signal });
    const unchanged = moved.tags.filter(({ state }) => state === "unchanged").length;
    const others = unchanged === 0 ? "" : `, ${unchanged} stood there already`;
    phase.summary(`${countOf(moved.tags.length - unchanged, "name")} moved to ${moved.digest}${others}`);
    return moved;
  });
}

/** The image of an index, by its digest; of one image alone nothing is to be chosen. */
async function platformSource({ client, signal }: Host, source: Reference, platform: Platform): Promise<Reference> {
  const content = await client
    .manifest(source, manifestReference(source), { signal })
    .catch((error: unknown) => Promise.reject(registryFailure("fetch", source.host, error)));
  const manifest = parseManifest(content.bytes, content.mediaType);
  const { host, path } = source;
  if (manifest.kind === "image") {
    throw new KubefileError("USAGE", `${formatReference(source)} is one image and no index`, {
      hint: "leave out --platform",
    });
  }
  return { host, path, digest: choosePlatform(manifest.manifests, platform, formatReference(source)).digest };
}
