import { type MovedTags, moveTags } from "../image/move-tags.ts";
import { countOf } from "../image/text-table.ts";
import type { Digest } from "../oci/digest.ts";
import { formatReference, type Reference } from "../oci/reference.ts";
import type { Host } from "./host.ts";

export interface TagOptions {
  readonly source: Reference;
  readonly targets: readonly Reference[];
  readonly expected: Digest | "none" | undefined;
}

/** Moves names within a registry; each is named once, however often it was asked for. */
export async function tag(host: Host, { source, targets, expected }: TagOptions): Promise<MovedTags> {
  host.trustRegistry(source.host);
  const unique = [...new Map(targets.map((target) => [formatReference(target), target])).values()];
  return host.progress.phase("tag", async (phase) => {
    const { client, signal } = host;
    const moved = await moveTags({ client, source, targets: unique, expected, signal });
    const unchanged = moved.tags.filter(({ state }) => state === "unchanged").length;
    const others = unchanged === 0 ? "" : `, ${unchanged} stood there already`;
    phase.summary(`${countOf(moved.tags.length - unchanged, "name")} moved to ${moved.digest}${others}`);
    return moved;
  });
}
