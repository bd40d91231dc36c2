import type { Inheritance } from "../capture/image-entries.ts";
import { formatReference, parseReference } from "../oci/reference.ts";
import type { Plan } from "../plan/plan.ts";
import { inheritedUpstream } from "../registry/inherited-upstream.ts";
import type { Upstream } from "../registry/types.ts";
import type { BuildParts } from "./build-parts.ts";

/** The registries; what a base cluster image has captured stays what it was then. */
export function upstreamFor({ host, store, plan, built, upstream }: BuildParts): Upstream {
  const { base } = plan;
  // A name that is built anew means what was built.
  const anew = new Set(built.map(({ reference }) => reference));
  const images = (base?.images ?? []).filter(({ reference }) => !anew.has(reference));
  if (base === undefined || images.length === 0) return upstream;
  for (const { reference } of images) host.trustRegistry(parseReference(reference).host);
  return inheritedUpstream(upstream, {
    ...{ store, images, origin: base.reference },
    ofAnyRegistry: base.mayCarryImages === true,
  });
}

/** What the base of a build has captured. */
export function inheritance({ base }: Plan): Inheritance | undefined {
  if (base === undefined || base.images.length === 0) return undefined;
  return { from: formatReference(base.reference), references: base.images.map(({ reference }) => reference) };
}
