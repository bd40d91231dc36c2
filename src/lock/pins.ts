import type { Digest } from "../oci/digest.ts";
import { formatReference, parseReference, type Reference, tryParseReference } from "../oci/reference.ts";
import type { Lock, LockedImage, LockRole } from "./types.ts";

/** What the tags of a lock stand for, by full reference. What is asked for by digest needs no pin. */
export function pinsOf(lock: Lock): ReadonlyMap<string, Digest> {
  return new Map(
    lock.images.flatMap(({ reference, digest }): [string, Digest][] =>
      parseReference(reference).digest === undefined ? [[reference, digest]] : [],
    ),
  );
}

/** An image's name as somebody wrote it, with the digest that a lock gives it behind; as it is without one. */
export function pinnedName(name: string, pins: ReadonlyMap<string, Digest>): string {
  const reference = tryParseReference(name);
  const digest = reference === undefined ? undefined : pins.get(formatReference(reference));
  return digest === undefined ? name : `${name}@${digest}`;
}

/** The name of a lock's first image of a role, with its digest. */
export function lockedName(lock: Lock | undefined, role: LockRole): string | undefined {
  const found = lock?.images.find((image) => image.role === role);
  return found === undefined ? undefined : fullName(found);
}

/** The entry for an image that a build used; undefined for one whose digest nobody knows. */
export function entryFor(role: LockRole, name: string, digest: Digest | undefined): LockedImage | undefined {
  const { digest: written, ...reference }: Reference = parseReference(name);
  const known = written ?? digest;
  if (known === undefined) return undefined;
  const asked = reference.tag === undefined ? { ...reference, digest: known } : reference;
  return { reference: formatReference(asked), digest: known, role };
}

function fullName({ reference, digest }: LockedImage): string {
  return formatReference({ ...parseReference(reference), digest });
}
