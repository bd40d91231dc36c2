import { parseReference } from "../oci/reference.ts";
import type { ImageDiff, LayerChanges, ValueChange } from "./diff-types.ts";
import { gradeMeaning } from "./grades.ts";
import { shortReference } from "./short-reference.ts";
import { countOf, formatSize } from "./text-table.ts";

/** What both texts of a comparison say in the same words. */

/** `1 image added, 2 moved; 3 files changed`; empty when nothing differs. */
export function diffHeadline({ images, rootfs, launch, apps, ...diff }: ImageDiff): string {
  const { files } = rootfs;
  // Annotations tell of the build, a revision for one; they differ nearly always.
  const settings = [...diff.properties, ...diff.env, ...diff.labels].length;
  const layers = rootfs.layers.added.length + rootfs.layers.removed.length;
  return [
    counts("image", { added: images.added.length, removed: images.removed.length, moved: images.moved.length }),
    files === undefined
      ? layers === 0
        ? ""
        : "another rootfs"
      : counts("file", { added: files.added.length, removed: files.removed.length, changed: files.changed.length }),
    launch.commands.length === 0 ? "" : "another launch",
    counts("app", { added: apps.added.length, removed: apps.removed.length, changed: apps.changed.length }),
    settings === 0 ? "" : `${countOf(settings, "setting")} changed`,
  ]
    .filter((part) => part !== "")
    .join("; ");
}

/** `1 image added, 2 moved`. */
function counts(noun: string, numbers: Readonly<Record<string, number>>): string {
  const [first, ...others] = Object.entries(numbers).filter(([, count]) => count > 0);
  if (first === undefined) return "";
  const [state, count] = first;
  return [`${countOf(count, noun)} ${state}`, ...others.map(([name, more]) => `${more} ${name}`)].join(", ");
}

/** `7.1 MiB of 340 MiB, in 11 blobs`. */
export function transferText({ transfer, to }: ImageDiff): string {
  return `${formatSize(transfer.bytes)} of ${formatSize(to.size)}, in ${countOf(transfer.blobs, "blob")}`;
}

/** The names of a moved image, the second only as far as it differs: `docker.io/library/redis:7` and `8`. */
export function movedNames({ from, to }: ImageDiff["images"]["moved"][number]): readonly string[] {
  if (from.reference === to.reference) return [shortReference(to.reference)];
  const { tag, digest } = parseReference(to.reference);
  return [shortReference(from.reference), shortReference([tag ?? "", digest ?? ""].filter(Boolean).join("@"))];
}

/** `48.0 MiB (+1.2 MiB)`. */
export function sizeChange(from: number, to: number): string {
  if (from === to) return formatSize(to);
  const sign = to > from ? "+" : "-";
  return `${formatSize(to)} (${sign}${formatSize(Math.abs(to - from))})`;
}

/** `2 of 6 new`. */
export function newLayers({ kept, added }: LayerChanges): string {
  return `${added.length} of ${kept + added.length} new`;
}

/** A weaker grade, or a network that was not needed before: what a reader must not miss. */
export function isWorse({ name, from, to }: ValueChange): boolean {
  if (name === "network") return to === "needed";
  // The strongest first.
  const order = Object.keys(gradeMeaning);
  const [before, after] = [from, to].map((grade) => order.indexOf(grade ?? ""));
  return name === "grade" && (before ?? 0) < (after ?? 0);
}
