import type { Location } from "../error.ts";
import { parseReferenceBelow, type Reference } from "../oci/reference.ts";
import { atLocation } from "../rootfs/problems.ts";

/** The image that FROM or `--from` names. @throws KubefileError REFERENCE_INVALID with its place */
export function imageReference(text: string, baseRegistry: string | undefined, where: Location): Reference {
  try {
    return parseReferenceBelow(text, baseRegistry);
  } catch (error) {
    throw atLocation(error, where);
  }
}
