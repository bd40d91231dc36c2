import type { Digest } from "../oci/digest.ts";
import { formatReference, formatRepository, parseReference } from "../oci/reference.ts";
import { sortLocked } from "./format-lock.ts";
import type { Lock, LockedImage } from "./types.ts";

/** What differs between two locks. Each list in the order of role, then of reference. */
export interface LockDiff {
  readonly added: readonly LockedImage[];
  readonly removed: readonly LockedImage[];
  /** One name that stands for something else. */
  readonly moved: readonly MovedImage[];
  /** The same image, of captures of different grades. */
  readonly regraded: readonly { readonly from: LockedImage; readonly to: LockedImage }[];
}

export interface MovedImage {
  readonly from: LockedImage;
  readonly to: LockedImage;
}

/** Compares by role and name: a tag, or for an image without one its repository, that got another digest has moved. */
export function diffLocks(before: Lock, after: Lock): LockDiff {
  const known = new Map(before.images.map((image) => [exactKey(image), image]));
  const found = new Map(after.images.map((image) => [exactKey(image), image]));
  const left = before.images.filter((image) => !found.has(exactKey(image)));
  const added: LockedImage[] = [];
  const moved: MovedImage[] = [];
  for (const to of after.images) {
    if (known.has(exactKey(to))) continue;
    const position = left.findIndex((from) => nameKey(from) === nameKey(to));
    const [from] = position === -1 ? [] : left.splice(position, 1);
    if (from === undefined) added.push(to);
    else moved.push({ from, to });
  }
  const regraded = after.images.flatMap((to) => {
    const from = known.get(exactKey(to));
    return from === undefined || from.grade === to.grade ? [] : [{ from, to }];
  });
  return { added: sortLocked(added), removed: sortLocked(left), moved, regraded };
}

export function isEmptyDiff({ added, removed, moved, regraded }: LockDiff): boolean {
  return added.length + removed.length + moved.length + regraded.length === 0;
}

/** For people, a line each: `+` added, `-` removed, `~` moved. */
export function formatLockDiff({ added, removed, moved, regraded }: LockDiff): readonly string[] {
  return [
    ...added.map((image) => `+ ${named(image)} ${image.digest}`),
    ...removed.map((image) => `- ${named(image)} ${image.digest}`),
    ...moved.map(({ from, to }) => `~ ${named(to)} ${from.digest} -> ${to.digest}`),
    ...gradeLines(regraded),
  ];
}

/** All images of a capture change their grade together. */
function gradeLines(regraded: LockDiff["regraded"]): readonly string[] {
  return [...new Set(regraded.map(({ from, to }) => `~ grade ${from.grade ?? "unknown"} -> ${to.grade ?? "unknown"}`))];
}

/** The name without the digest, which is told beside it, and the role unless it is the usual one. */
function named({ reference, role }: LockedImage): string {
  const { digest: _digest, ...name } = parseReference(reference);
  const shown = name.tag === undefined ? formatRepository(name) : formatReference(name);
  return role === "captured" ? shown : `${shown} (${role} image)`;
}

function exactKey({ role, reference, digest }: { role: string; reference: string; digest: Digest }): string {
  return `${role} ${reference} ${digest}`;
}

function nameKey({ role, reference }: LockedImage): string {
  const { host, path, tag } = parseReference(reference);
  return `${role} ${host}/${path}:${tag ?? ""}`;
}
