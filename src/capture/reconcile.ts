import pLimit from "p-limit";
import type { Location } from "../error.ts";
import type { Digest } from "../oci/digest.ts";
import { formatReference, manifestReference, parseReference, type Reference } from "../oci/reference.ts";
import type { Baseline } from "./baseline.ts";
import { exclusionOf, idlePatterns } from "./exclusion.ts";
import { type FetchFailure, fetchFailed } from "./fetch-failure.ts";
import { entryKey, entryOfDigest, type ImageEntry, type Inheritance, joinSources } from "./image-entries.ts";
import { malformedImages } from "./malformed-images.ts";
import type { ImageObservation, StartedContainer } from "./observation.ts";
import type { OperatorAttribution } from "./operators.ts";
import { observedReasons, uniqueReasons } from "./reasons.ts";
import type { RecordedPull } from "./recorder.ts";
import { checkStartedContainers } from "./started-images.ts";
import type { StaticHit } from "./static-hit.ts";
import type { CapturedImage, Reason, Suggestion } from "./types.ts";
import { whyUnneeded } from "./unneeded-images.ts";

/** An image that is whole in the store for the selected platform. */
export interface CompletedImage {
  /** Of what the reference resolved to. */
  readonly digest: Digest;
  readonly mediaType: string;
  /** Bytes of manifests, config and layers of the selected platform. */
  readonly size: number;
  /** Digests by which a node may call it: index, children of the index (all platforms), and config. */
  readonly identities: readonly Digest[];
}

export interface ReconcileInput {
  readonly pulls: readonly RecordedPull[];
  readonly observations: readonly ImageObservation[];
  readonly startedContainers: readonly StartedContainer[];
  readonly typedHits: readonly StaticHit[];
  readonly untypedHits: readonly StaticHit[];
  /** References that the user lists. */
  readonly include: readonly string[];
  readonly inherited?: Inheritance | undefined;
  /** What images were built from in this run, by full reference. */
  readonly built?: ReadonlyMap<string, string>;
  /** Globs of images that stay out; see exclusionOf. */
  readonly exclude: readonly string[];
  readonly baseline: Baseline;
  readonly operators: ReadonlyMap<string, OperatorAttribution>;
  /** Node names by address, as requests to the proxy show it. */
  readonly nodeNames: ReadonlyMap<string, string>;
  readonly locate?: (observation: ImageObservation) => Location | undefined;
  /** Fetches whatever of an image the store lacks; by the digest that nodes were given when there is one. */
  readonly complete: (reference: Reference, pulled: Digest | undefined) => Promise<CompletedImage>;
  /** Whether an image that only files name must exist. A rehearsal that went without it says no. */
  readonly requireStatic: boolean;
}

export interface Reconciled {
  /** In code unit order of reference. */
  readonly images: readonly CapturedImage[];
  readonly suggestions: readonly Suggestion[];
  /** Captured references that stand in no file of the rootfs. */
  readonly onlyRehearsal: readonly string[];
  /** What patterns kept out, in order. */
  readonly excluded: readonly string[];
  readonly warnings: readonly string[];
}

type Completed = ImageEntry & { readonly image: CompletedImage };

/**
 * The union of the four sources, each image whole in the store and with its reasons. The order in which things were
 * seen does not matter.
 *
 * @throws KubefileError PULL_FAILED with every image that cannot be fetched, CAPTURE_INCOMPLETE when a container of the
 *   launch ran anything else, REFERENCE_INVALID for a malformed include
 */
export async function reconcile(input: ReconcileInput): Promise<Reconciled> {
  const isExcluded = exclusionOf(input.exclude);
  const { entries, byDigest } = joinSources(input);
  const excluded = entries.filter(({ reference }) => isExcluded(reference));
  const first = await completeAll(
    entries.filter(({ reference }) => !isExcluded(reference)),
    input,
  );
  // Of what could not be fetched the parts are not to be told once more.
  const failed = first.failures.map(({ entry }) => entry).filter(({ pull }) => pull?.digest !== undefined);
  const pulledOnly = unexplainedPulls(byDigest, first.completed, [...excluded, ...failed]);
  const unexplained = pulledOnly.filter(({ reference }) => !isExcluded(reference));
  const second = await completeAll(unexplained, input);
  const failures = [...first.failures, ...second.failures];
  const unneeded = failures.flatMap(({ entry }) => {
    const why = whyUnneeded(entry, input.observations);
    return why === undefined ? [] : [{ entry, why }];
  });
  const fatal = failures.filter(
    ({ entry }) =>
      (input.requireStatic || !isOnlyStatic(entry)) && !unneeded.some(({ entry: { key } }) => key === entry.key),
  );
  if (fatal.length > 0) throw fetchFailed(fatal, input);

  const completed = [...first.completed, ...outermost(second.completed)];
  const checked = checkStartedContainers({
    containers: input.startedContainers,
    identities: new Set([
      ...completed.flatMap(({ image, pull }) => [image.digest, ...image.identities, ...(pull?.digests ?? [])]),
      ...excluded.flatMap(({ pull }) => pull?.digests ?? []),
    ]),
    isExcluded,
    baseline: input.baseline,
  });
  const started = new Set(input.startedContainers.map(({ pod, role, container }) => `${pod.uid} ${role} ${container}`));
  const images = completed.map((entry) => ({
    reference: formatReference(entry.reference),
    digest: entry.image.digest,
    mediaType: entry.image.mediaType,
    size: entry.image.size,
    reasons: reasonsOf(entry, input, started),
  }));
  const captured = new Set(completed.map(({ key }) => key));
  const inFiles = new Set([...input.typedHits, ...input.untypedHits].map(keyOfHit));
  return {
    images: images.sort((one, other) => (one.reference < other.reference ? -1 : 1)),
    suggestions: suggestionsOf(input, failures, (hit) => captured.has(keyOfHit(hit)) || isExcluded(readHit(hit))),
    onlyRehearsal: completed
      .filter(({ key, listed, inheritedFrom }) => !inFiles.has(key) && !listed && inheritedFrom === undefined)
      .map(({ reference }) => formatReference(reference))
      .sort(),
    excluded: excluded.map(({ reference }) => formatReference(reference)).sort(),
    warnings: [
      ...movedTags(completed),
      ...checked.warnings,
      ...malformedImages(input.observations),
      ...unneeded.map(({ why }) => `${why}; what it names could not be fetched and is left out`),
      ...idlePatterns(input.exclude, [
        ...[...entries, ...pulledOnly].map(({ reference }) => reference),
        ...input.untypedHits.map(readHit),
      ]).map((pattern) => `--exclude ${pattern} keeps nothing out: the launch names no such image`),
    ].sort(),
  };
}

async function completeAll(
  entries: readonly ImageEntry[],
  { complete }: ReconcileInput,
): Promise<{ readonly completed: readonly Completed[]; readonly failures: readonly FetchFailure[] }> {
  const limit = pLimit(8);
  const completed: Completed[] = [];
  const failures: FetchFailure[] = [];
  await Promise.all(
    entries.map((entry) =>
      limit(async () => {
        try {
          completed.push({ ...entry, image: await complete(entry.reference, entry.pull?.digest) });
        } catch (cause) {
          failures.push({ entry, cause });
        }
      }),
    ),
  );
  // They end in any order.
  const byKey = (one: ImageEntry, other: ImageEntry): number => (one.key < other.key ? -1 : 1);
  return {
    completed: completed.sort(byKey),
    failures: failures.sort((one, other) => byKey(one.entry, other.entry)),
  };
}

/** Pulls by digest that belong to no image: not what a tag resolved to, and no child of a captured index. */
function unexplainedPulls(
  pulls: readonly RecordedPull[],
  completed: readonly Completed[],
  unfetched: readonly ImageEntry[],
): readonly ImageEntry[] {
  const explained = new Set(
    completed.flatMap(({ reference, image, pull }) =>
      [image.digest, ...image.identities, ...(pull?.digests ?? [])].map((digest) => entryKey(reference, digest)),
    ),
  );
  // What an index consists of that was not fetched is not known.
  const outside = new Set(unfetched.flatMap(({ pull }) => (pull === undefined ? [] : [entryKey(pull.repository, "")])));
  return pulls.flatMap((pull) => {
    if (pull.digest === undefined || explained.has(entryKey(pull.repository, pull.digest))) return [];
    return outside.has(entryKey(pull.repository, "")) ? [] : [entryOfDigest(pull, pull.digest)];
  });
}

/** Leaves out the children of an index that is there itself. */
function outermost(completed: readonly Completed[]): readonly Completed[] {
  return completed.filter(
    ({ reference, image }) =>
      !completed.some(
        (other) =>
          other.reference.host === reference.host &&
          other.reference.path === reference.path &&
          other.image.digest !== image.digest &&
          other.image.identities.includes(image.digest),
      ),
  );
}

function reasonsOf(entry: Completed, input: ReconcileInput, started: ReadonlySet<string>): readonly Reason[] {
  const observed = observedReasons(entry.observations, {
    pulled: entry.pull?.digest !== undefined,
    started: ({ object, role, container }) => started.has(`${object.uid} ${role} ${container}`),
    operators: input.operators,
    ...(input.locate === undefined ? {} : { locate: input.locate }),
  });
  const { host, path, tag } = entry.reference;
  const from = tag === undefined ? undefined : input.built?.get(formatReference({ host, path, tag }));
  const byNode = entry.observations.length > 0 ? [] : (entry.pull?.clients ?? []);
  return uniqueReasons([
    ...observed,
    ...byNode.map((client): Reason => {
      return { source: "pulled", text: `pulled by node ${input.nodeNames.get(client) ?? client}` };
    }),
    ...entry.hits.map(({ text, where }): Reason => ({ source: "static", text: `named by ${text}`, where })),
    ...(entry.listed ? [{ source: "listed", text: "listed by the user" } satisfies Reason] : []),
    ...(entry.inheritedFrom === undefined
      ? []
      : [{ source: "inherited", text: `captured by ${entry.inheritedFrom}` } satisfies Reason]),
    ...(from === undefined ? [] : [{ source: "built", text: `built from ${from}` } satisfies Reason]),
  ]);
}

function suggestionsOf(
  { untypedHits }: ReconcileInput,
  failures: readonly FetchFailure[],
  isSettled: (hit: StaticHit) => boolean,
): readonly Suggestion[] {
  const hits = [
    ...untypedHits.filter((hit) => !isSettled(hit)),
    ...failures.flatMap(({ entry }) =>
      entry.hits.map((hit) => ({
        ...hit,
        text: `${hit.text}; it could not be fetched, and the rehearsal went without`,
      })),
    ),
  ];
  const key = ({ reference, where }: StaticHit): string =>
    [reference, where.file, String(where.line).padStart(8, "0"), where.column ?? ""].join("\0");
  return [...new Map(hits.map((hit) => [key(hit), hit])).entries()]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([, { reference, where, text }]) => ({ reference, where, why: text }));
}

function movedTags(completed: readonly Completed[]): readonly string[] {
  return completed
    .filter(({ pull }) => new Set(pull?.digests).size > 1)
    .map(({ reference, image }) => {
      return `${formatReference(reference)} was moved at its registry during the rehearsal; captured is ${image.digest}`;
    });
}

function isOnlyStatic({ observations, listed, inheritedFrom, pull }: ImageEntry): boolean {
  return observations.length === 0 && !listed && inheritedFrom === undefined && pull === undefined;
}

function readHit(hit: StaticHit): Reference {
  return parseReference(hit.reference);
}

function keyOfHit(hit: StaticHit): string {
  const reference = readHit(hit);
  return entryKey(reference, manifestReference(reference));
}
