import { KubefileError } from "../error.ts";
import type { Digest } from "../oci/digest.ts";
import { isDigest } from "../oci/digest.ts";
import { formatReference, type Reference, tryParseReference } from "../oci/reference.ts";
import type { Baseline } from "./baseline.ts";
import type { StartedContainer } from "./observation.ts";
import { formatObject } from "./owners.ts";
import { containerText } from "./pod-spec.ts";

/**
 * Holds what containers really ran against what is captured. Only digests count: for equal content under two names a
 * container runtime tells either of them. An image that the node held before the launch may be another build under the
 * same name than the registry's; what is captured is the registry's, and the difference is a warning.
 *
 * @throws KubefileError CAPTURE_INCOMPLETE naming each container
 */
export function checkStartedContainers(options: {
  readonly containers: readonly StartedContainer[];
  /** Digests of captured indexes, manifests and configs. */
  readonly identities: ReadonlySet<Digest>;
  readonly isExcluded: (reference: Reference) => boolean;
  readonly baseline: Baseline;
}): { readonly warnings: readonly string[] } {
  const warnings = new Set<string>();
  const missing = new Set<string>();
  for (const container of options.containers) {
    const digest = digestOfImageId(container.imageID);
    if (digest !== undefined && options.identities.has(digest)) continue;
    const reference = tryParseReference(container.image);
    if (reference !== undefined && options.isExcluded(reference)) continue;
    const full = reference === undefined ? container.image : formatReference(reference);
    const subject = `${formatObject(container.pod)} ${containerText(container)}`;
    if (options.baseline.nodeImages.has(full)) {
      warnings.add(`${subject} ran the build of ${full} that the node held; captured is the registry's, which differs`);
    } else {
      missing.add(`${subject}: ${full} ran as ${container.imageID}`);
    }
  }
  if (missing.size > 0) {
    const list = [...missing].sort().map((line) => `\n  ${line}`);
    throw new KubefileError(
      "CAPTURE_INCOMPLETE",
      `containers ran images that are not in the capture:${list.join("")}`,
      {
        hint: "list them with --include, and report it: a pull has bypassed the proxy",
      },
    );
  }
  return { warnings: [...warnings] };
}

/** CRI names an image by `NAME@DIGEST`, or by its config's digest alone when it was not pulled. */
function digestOfImageId(imageID: string): Digest | undefined {
  const text = imageID.slice(imageID.lastIndexOf("@") + 1);
  return isDigest(text) ? text : undefined;
}
