import type { Grade } from "../capture/types.ts";
import { KubefileError } from "../error.ts";
import type { ClusterImage } from "../image/cluster-image.ts";
import { platformTag } from "../image/cluster-index.ts";
import { fetchHead } from "../image/load.ts";
import { moveTags } from "../image/move-tags.ts";
import { registryFailure } from "../image/registry-failure.ts";
import type { Digest } from "../oci/digest.ts";
import { parseManifest } from "../oci/manifest.ts";
import { formatReference, formatRepository, manifestReference, type Reference } from "../oci/reference.ts";
import type { Host } from "../pipeline/host.ts";
import { RegistryError } from "../registry/errors.ts";
import type { ManifestContent } from "../registry/types.ts";
import type { Store } from "../store/types.ts";
import type { CommitHistory } from "./commit-history.ts";
import type { SourceRevision } from "./source-revision.ts";
import { followsOnly, keepsFirst, neverMoves, noObjection, type Objection } from "./tag-objection.ts";
import { type TagEvent, tagsFor } from "./tag-scheme.ts";

export interface Promotion {
  /** The cluster image that was verified, in the repository whose tags are moved. */
  readonly reference: Reference;
  /** What this run builds. */
  readonly revision: SourceRevision;
  readonly history: CommitHistory;
  /** The least that a release may be. */
  readonly acceptedGrade: Grade;
  /** Also moves a branch's tags to commits that do not follow what they carry, as after history was rewritten. */
  readonly force: boolean;
  /** Tells what would be done, and does nothing. */
  readonly dryRun: boolean;
}

export interface MovedTag {
  readonly tag: string;
  readonly state: "new" | "moved" | "same" | "left";
  /** What it named before. */
  readonly from?: Digest;
  /** Why it was left. */
  readonly reason?: string;
}

export interface PromotionResult {
  readonly digest: Digest;
  /** In the order in which they were moved: those that are fixed come first. */
  readonly tags: readonly MovedTag[];
}

/** Somebody else may be moving the same tag; each look that finds another image is one try. */
const TRIES = 5;

/**
 * Gives a cluster image the names that its commit earns it (tag-scheme.ts), by digest and without a transfer. A branch's
 * tags go forward only: a run of an older commit that ends later leaves them where they are. Each is looked at again
 * after it was moved; still, let the CI system run one promotion at a time.
 *
 * @throws KubefileError USAGE when the image is of another commit, a version names another image already, or the ref
 * earns no name; VERIFY_FAILED when a release's grade is too low; REGISTRY
 */
export async function promote(host: Host, store: Store, promotion: Promotion): Promise<PromotionResult> {
  const { reference, revision } = promotion;
  host.trustRegistry(reference.host);
  const content = await readManifest(host, reference, manifestReference(reference));
  if (content === undefined) {
    throw new KubefileError("REGISTRY", `${formatReference(reference)} is not in its registry`, {
      hint: "push it first: kubefile build --push-by-digest --tag REPOSITORY .",
    });
  }
  const published = revision.ref.kind === "tag" ? await listTags(host, reference) : [];
  const plan = tagsFor(eventOf(revision, published));
  if (plan === undefined) {
    const name = revision.ref.kind === "tag" ? revision.ref.name : "";
    throw new KubefileError("USAGE", `the Git tag ${JSON.stringify(name)} is no semantic version`, {
      hint: "name releases v1.2.3; `kubefile tag` gives an image any other name",
    });
  }
  const platforms = await checkOrigin(host, store, promotion, content);
  const isRelease = revision.ref.kind === "tag";
  const forward = followsOnly(revision.commit, promotion.history, (digest) => childOf(host, reference, digest));
  const moved: MovedTag[] = [];
  for (const tag of plan.fixed) {
    const objection = isRelease ? neverMoves(`${formatRepository(reference)}:${tag}`) : keepsFirst;
    moved.push(await settle(host, promotion, content, tag, objection));
  }
  const objection = revision.ref.kind === "branch" && !promotion.force ? forward : noObjection;
  for (const tag of plan.moving) moved.push(await settle(host, promotion, content, tag, objection));
  const given = moved.filter(({ state }) => state !== "left").map(({ tag }) => tag);
  if (!promotion.dryRun) await namePlatforms(host, reference, platforms, given);
  return { digest: content.digest, tags: moved };
}

/** Each image of an index gets its own tag beside each of the index: what has no tag may be removed by a registry. */
async function namePlatforms(
  { client, signal }: Host,
  { host: registry, path }: Reference,
  platforms: readonly ClusterImage[],
  tags: readonly string[],
): Promise<void> {
  if (tags.length === 0) return;
  for (const { digest, config } of platforms) {
    const source: Reference = { host: registry, path, digest };
    const targets = tags.map((tag) => ({ host: registry, path, tag: platformTag(tag, config.platform) }));
    await moveTags({ client, source, targets, signal });
  }
}

async function settle(
  host: Host,
  promotion: Promotion,
  content: ManifestContent,
  tag: string,
  objection: Objection,
): Promise<MovedTag> {
  const { reference, dryRun } = promotion;
  let outcome: MovedTag | undefined;
  for (let look = 1; look <= TRIES; look++) {
    const carried = await readManifest(host, reference, tag);
    if (carried?.digest === content.digest) return outcome ?? { tag, state: "same" };
    const reason = carried === undefined ? undefined : await objection(carried);
    const from = carried === undefined ? {} : { from: carried.digest };
    if (reason !== undefined) return { tag, state: "left", ...from, reason };
    outcome = { tag, state: carried === undefined ? "new" : "moved", ...from };
    if (dryRun) return outcome;
    const { host: registry, path } = reference;
    const source: Reference = { host: registry, path, digest: content.digest };
    // To look into the history takes time, in which others may have moved it: then it is judged again.
    await moveTags({
      ...{ client: host.client, source, targets: [{ host: registry, path, tag }] },
      ...{ expected: carried?.digest ?? "none", signal: host.signal },
    }).catch((error: unknown) => {
      if (!(error instanceof KubefileError) || error.code !== "TAG_MOVED") throw error;
    });
  }
  throw new KubefileError("REGISTRY", `${formatRepository(reference)}:${tag} does not stay where it was put`, {
    hint: "others move it at the same time: let the CI system run one promotion at a time",
  });
}

/** Undefined when the registry knows nothing of that name. */
async function readManifest(host: Host, reference: Reference, name: string): Promise<ManifestContent | undefined> {
  try {
    return await host.client.manifest(reference, name, { signal: host.signal });
  } catch (error) {
    if (error instanceof RegistryError && error.status === 404) return undefined;
    throw registryFailure("fetch", reference.host, error);
  }
}

async function childOf(host: Host, { host: registry, path }: Reference, digest: Digest): Promise<Buffer> {
  const child = await readManifest(host, { host: registry, path, digest }, digest);
  return child?.bytes ?? Buffer.from("{}");
}

async function listTags(host: Host, reference: Reference): Promise<readonly string[]> {
  try {
    return await host.client.tags(reference, { signal: host.signal });
  } catch (error) {
    // Some registries know no repository before its first tag.
    if (error instanceof RegistryError && error.status === 404) return [];
    throw registryFailure("fetch", reference.host, error);
  }
}

/**
 * Another commit's image must not get this one's names, and a release must be what it promises.
 *
 * @returns the images of an index
 */
async function checkOrigin(
  host: Host,
  store: Store,
  promotion: Promotion,
  content: ManifestContent,
): Promise<readonly ClusterImage[]> {
  const { reference, revision, acceptedGrade } = promotion;
  const manifest = parseManifest(content.bytes, content.mediaType);
  const children = manifest.kind === "index" ? manifest.manifests.map(({ digest }) => digest) : [content.digest];
  const images: ClusterImage[] = [];
  for (const digest of children) {
    const child: Reference = { host: reference.host, path: reference.path, digest };
    const image = await fetchHead({ client: host.client, store, reference: child, signal: host.signal });
    images.push(image);
    const built = image.manifest.annotations["org.opencontainers.image.revision"];
    if (built !== undefined && built !== revision.commit) {
      throw new KubefileError(
        "USAGE",
        `${formatReference(child)} was built from commit ${built}, not ${revision.commit}`,
        {
          hint: "promote the image that this commit's own pipeline built",
        },
      );
    }
    const { grade, needsNetwork } = image.config;
    if (revision.ref.kind !== "tag" || (grades.indexOf(grade) >= grades.indexOf(acceptedGrade) && !needsNetwork))
      continue;
    const why = needsNetwork ? "needs a network" : `has the grade ${grade}`;
    throw new KubefileError(
      "VERIFY_FAILED",
      `${formatReference(child)} ${why}, and a release must be ${acceptedGrade}`,
      {
        hint: "rehearse the launch until all is ready, or lower what is accepted with --accept",
      },
    );
  }
  return manifest.kind === "index" ? images : [];
}

/** From the least to the most that is known. */
const grades: readonly Grade[] = ["static", "pulled", "ready"];

function eventOf({ commit, ref }: SourceRevision, published: readonly string[]): TagEvent {
  switch (ref.kind) {
    case "branch":
      return { kind: "branch", branch: ref.name, isDefault: ref.isDefault, commit };
    case "tag":
      return { kind: "release", version: ref.name, published };
    default:
      return { kind: ref.kind, number: ref.number };
  }
}
