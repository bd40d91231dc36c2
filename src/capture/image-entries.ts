import type { Digest } from "../oci/digest.ts";
import {
  formatReference,
  formatRepository,
  manifestReference,
  parseReference,
  type Reference,
  type Repository,
} from "../oci/reference.ts";
import type { ImageObservation } from "./observation.ts";
import type { RecordedPull } from "./recorder.ts";
import type { StaticHit } from "./static-hit.ts";

/** One image by what a node asks for: a repository, and a digest or else a tag. */
export interface ImageEntry {
  readonly key: string;
  /** The fullest form that some source wrote. */
  readonly reference: Reference;
  readonly observations: readonly ImageObservation[];
  readonly hits: readonly StaticHit[];
  readonly listed: boolean;
  /** The cluster image that has captured it, which the build is made from. */
  readonly inheritedFrom: string | undefined;
  readonly pull: RecordedPull | undefined;
}

export interface ImageSources {
  readonly observations: readonly ImageObservation[];
  readonly typedHits: readonly StaticHit[];
  readonly include: readonly string[];
  readonly inherited?: Inheritance | undefined;
  readonly pulls: readonly RecordedPull[];
}

/** What a cluster image has captured that the build is made from. */
export interface Inheritance {
  /** What messages call it. */
  readonly from: string;
  readonly references: readonly string[];
}

/**
 * Joins the sources by image, in order of key. Pulls by a digest that no source names come back apart: containerd asks
 * for what a tag resolved to, and for the children of an index, by digest.
 *
 * @throws KubefileError REFERENCE_INVALID for an include that is no image reference
 */
export function joinSources(sources: ImageSources): {
  readonly entries: readonly ImageEntry[];
  readonly byDigest: readonly RecordedPull[];
} {
  const drafts = new Map<string, Draft>();
  const draftOf = (reference: Reference): Draft => {
    const key = entryKey(reference, manifestReference(reference));
    const draft = drafts.get(key) ?? emptyDraft();
    drafts.set(key, draft);
    draft.references.push(reference);
    return draft;
  };
  for (const seen of sources.observations) {
    if (seen.reference !== undefined) draftOf(parseReference(seen.reference)).observations.push(seen);
  }
  for (const hit of sources.typedHits) draftOf(parseReference(hit.reference)).hits.push(hit);
  for (const text of sources.include) draftOf(parseReference(text)).listed = true;
  for (const text of sources.inherited?.references ?? []) {
    draftOf(parseReference(text)).inheritedFrom = sources.inherited?.from;
  }
  const byDigest: RecordedPull[] = [];
  for (const pull of sources.pulls) {
    const known = drafts.get(entryKey(pull.repository, pull.reference));
    if (known !== undefined) known.pull = pull;
    else if (pull.digest === undefined) continue;
    else if (pull.reference === pull.digest) byDigest.push(pull);
    else draftOf({ ...repositoryOf(pull), tag: pull.reference }).pull = pull;
  }
  const entries = [...drafts.entries()].map(([key, { references, ...draft }]) => ({
    ...draft,
    key,
    reference: fullest(references),
  }));
  return { entries: entries.sort((one, other) => (one.key < other.key ? -1 : 1)), byDigest };
}

/** An entry for a digest that only nodes have named. */
export function entryOfDigest(pull: RecordedPull, digest: Digest): ImageEntry {
  const reference = { ...repositoryOf(pull), digest };
  const { references: _, ...draft } = emptyDraft();
  return { ...draft, key: entryKey(reference, digest), reference, pull };
}

export function entryKey(repository: Repository, reference: string): string {
  return `${formatRepository(repository)} ${reference}`;
}

/** `repo:tag@digest` before `repo@digest`; among several tags the first, so that the order of sources cannot matter. */
function fullest(references: readonly Reference[]): Reference {
  const [first, ...rest] = references;
  if (first === undefined) throw new RangeError("an image without a reference");
  const rank = (reference: Reference): string => `${reference.tag === undefined ? 1 : 0} ${formatReference(reference)}`;
  return rest.reduce((best, next) => (rank(next) < rank(best) ? next : best), first);
}

function repositoryOf({ repository: { host, path } }: RecordedPull): Repository {
  return { host, path };
}

interface Draft {
  readonly references: Reference[];
  readonly observations: ImageObservation[];
  readonly hits: StaticHit[];
  listed: boolean;
  inheritedFrom: string | undefined;
  pull: RecordedPull | undefined;
}

function emptyDraft(): Draft {
  return {
    references: [],
    observations: [],
    hits: [],
    listed: false,
    inheritedFrom: undefined,
    pull: undefined,
  };
}
