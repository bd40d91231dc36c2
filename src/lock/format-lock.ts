import { stringify } from "yaml";
import { formatRepository, parseReference } from "../oci/reference.ts";
import { type Lock, type LockedImage, lockRoles } from "./types.ts";

/** kbld's: the image as it was asked for. */
export const ID_ANNOTATION = "kbld.carvel.dev/id";
export const ROLE_ANNOTATION = "io.kubefile.role";
export const GRADE_ANNOTATION = "io.kubefile.grade";

const heading = [
  "# What the tags of this build stood for: written by `kubefile build`, refreshed by `kubefile lock`. Commit it.",
  "# An ImagesLock, which kbld and imgpkg read, too.",
  "",
].join("\n");

/**
 * The text of `kubefile.lock`: equal locks have equal bytes, whatever the order of their images. Tag and digest of an
 * image stand on neighbouring lines, the tag behind the name that is repeated with it: updaters find both by one pattern.
 */
export function formatLock(lock: Lock): string {
  const document = {
    apiVersion: "imgpkg.carvel.dev/v1alpha1",
    kind: "ImagesLock",
    images: sortLocked(lock.images).map(({ reference, digest, role, grade }) => ({
      image: `${formatRepository(parseReference(reference))}@${digest}`,
      annotations: {
        [ID_ANNOTATION]: reference,
        [ROLE_ANNOTATION]: role,
        ...(grade === undefined ? {} : { [GRADE_ANNOTATION]: grade }),
      },
    })),
  };
  return `${heading}${stringify(document, { lineWidth: 0 })}`;
}

/** In the order of role, then of reference. */
export function sortLocked(images: readonly LockedImage[]): readonly LockedImage[] {
  const rank = ({ role }: LockedImage): number => lockRoles.indexOf(role);
  return [...images].sort((one, other) => rank(one) - rank(other) || (one.reference < other.reference ? -1 : 1));
}
