import { setTimeout as sleep } from "node:timers/promises";
import { errorMessage, KubefileError } from "../error.ts";
import type { Digest } from "../oci/digest.ts";
import {
  formatReference,
  formatRepository,
  manifestReference,
  type Reference,
  type Repository,
} from "../oci/reference.ts";
import { RegistryError } from "../registry/errors.ts";
import type { ManifestContent, RegistryClient } from "../registry/types.ts";
import { mountImage } from "./mount-image.ts";
import { registryFailure } from "./registry-failure.ts";

export interface MoveTagsOptions {
  readonly client: RegistryClient;
  /** What the tags will stand for: an image, or an index of images. */
  readonly source: Reference;
  /** Names with a tag, in the source's registry. */
  readonly targets: readonly Reference[];
  /** What each target must stand for now; `none` when it must not be there. */
  readonly expected?: Digest | "none" | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface MovedTag {
  /** In full, without a digest. */
  readonly reference: string;
  readonly state: "created" | "moved" | "unchanged";
  /** What it stood for. */
  readonly before?: Digest;
}

export interface MovedTags {
  readonly digest: Digest;
  readonly mediaType: string;
  /** In the order in which they were named. */
  readonly tags: readonly MovedTag[];
}

/**
 * Makes names stand for what is in the registry already, without a transfer. All that can be known beforehand is checked
 * before the first name moves; after that each is tried, and those that did not move are told with those that did.
 *
 * @throws KubefileError USAGE for a name of another registry, TAG_MOVED when somebody else moves one of the names,
 * REGISTRY for a refusal
 */
export async function moveTags(options: MoveTagsOptions): Promise<MovedTags> {
  const { client, source, targets, signal } = options;
  requireOneRegistry(source, targets);
  const content = await client
    .manifest(source, manifestReference(source), { signal })
    .catch((error: unknown) => Promise.reject(registryFailure("fetch", source.host, error)));
  try {
    const before = await Promise.all(targets.map((target) => currentDigest(options, target, tagOf(target))));
    requireExpected(options, before);
    await bringToRepositories(options, content);
    const tags = targets.map((target, position) => movedTag(target, before[position], content.digest));
    const failures = await putTags(options, content, tags);
    failures.push(...(await otherMovers(options, content, tags, failures)));
    if (failures.length > 0) throw notAll(options, content, tags, failures);
    return { digest: content.digest, mediaType: content.mediaType, tags };
  } catch (error) {
    throw registryFailure("push", source.host, error);
  }
}

const NOTICE_MILLISECONDS = 1_000;

interface Failure {
  readonly reference: string;
  readonly code: "TAG_MOVED" | "REGISTRY";
  readonly text: string;
  readonly cause?: unknown;
}

function requireOneRegistry(source: Reference, targets: readonly Reference[]): void {
  const elsewhere = targets.filter(({ host }) => host !== source.host).map(formatReference);
  if (elsewhere.length === 0) return;
  throw new KubefileError(
    "USAGE",
    `${elsewhere.join(", ")}: tag moves names within ${source.host}, and sends nothing to another registry`,
    { hint: "send it there: `kubefile push REF TARGET` for what was built here, or `skopeo copy --all`" },
  );
}

async function currentDigest(
  { client, signal }: MoveTagsOptions,
  repository: Repository,
  name: string,
): Promise<Digest | undefined> {
  try {
    return (await client.resolve(repository, name, { signal })).digest;
  } catch (error) {
    if (error instanceof RegistryError && error.status === 404) return undefined;
    throw error;
  }
}

function requireExpected({ expected, targets }: MoveTagsOptions, before: readonly (Digest | undefined)[]): void {
  if (expected === undefined) return;
  const wanted = expected === "none" ? undefined : expected;
  const others = targets.flatMap((target, position) => {
    const now = before[position];
    return now === wanted ? [] : [`  ${formatReference(target)} ${now === undefined ? "is not there" : `is ${now}`}`];
  });
  if (others.length === 0) return;
  const condition = expected === "none" ? "a name that is not there yet" : `a name of ${expected}`;
  throw new KubefileError(
    "TAG_MOVED",
    `no tag was moved, since --if-digest asks for ${condition}:\n${others.join("\n")}`,
    {
      hint: "somebody else has moved it: look at what it stands for now, and decide again",
    },
  );
}

/** Other repositories of the registry get the image first; a tag that points at what is not there would be refused. */
async function bringToRepositories(options: MoveTagsOptions, manifest: ManifestContent): Promise<void> {
  const { client, source, targets, signal } = options;
  const others = new Map(
    targets.filter(({ path }) => path !== source.path).map(({ host, path }) => [path, { host, path }]),
  );
  for (const to of others.values()) {
    const isThere = (await currentDigest(options, to, manifest.digest)) !== undefined;
    if (!isThere) await mountImage({ client, from: source, to, manifest, signal });
  }
}

function tagOf({ tag }: Reference): string {
  return tag ?? "latest";
}

function movedTag(target: Reference, before: Digest | undefined, digest: Digest): MovedTag {
  const state = before === undefined ? "created" : before === digest ? "unchanged" : "moved";
  return { reference: formatReference(target), state, ...(before === undefined ? {} : { before }) };
}

async function putTags(
  { client, targets, signal }: MoveTagsOptions,
  { bytes, mediaType }: ManifestContent,
  tags: readonly MovedTag[],
): Promise<Failure[]> {
  const failures: Failure[] = [];
  for (const [position, target] of targets.entries()) {
    if (tags[position]?.state === "unchanged") continue;
    try {
      await client.pushManifest(target, tagOf(target), mediaType, bytes, { signal });
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      failures.push({ reference: formatReference(target), code: "REGISTRY", text: errorMessage(error), cause: error });
    }
  }
  return failures;
}

/** Registries have no way to move a tag from one digest to another in one step; who comes last is seen afterwards. */
async function otherMovers(
  options: MoveTagsOptions,
  { digest }: ManifestContent,
  tags: readonly MovedTag[],
  failures: readonly Failure[],
): Promise<Failure[]> {
  const known = new Set(failures.map(({ reference }) => reference));
  const looks = options.targets.map(async (target, position): Promise<Failure[]> => {
    const { reference = "" } = tags[position] ?? {};
    if (known.has(reference)) return [];
    let now = await currentDigest(options, target, tagOf(target));
    if (now !== digest) {
      // It may have answered from a replica that does not know yet.
      await sleep(NOTICE_MILLISECONDS, undefined, { signal: options.signal });
      now = await currentDigest(options, target, tagOf(target));
    }
    if (now === digest) return [];
    return [{ reference, code: "TAG_MOVED", text: now === undefined ? "is gone" : `is ${now} now` }];
  });
  return (await Promise.all(looks)).flat();
}

function notAll(
  { source }: MoveTagsOptions,
  { digest }: ManifestContent,
  tags: readonly MovedTag[],
  failures: readonly Failure[],
): KubefileError {
  const failed = new Set(failures.map(({ reference }) => reference));
  const moved = tags.filter(({ reference }) => !failed.has(reference)).map(({ reference }) => `  ${reference}`);
  const list = failures.map(({ reference, text }) => `  ${reference}: ${text}`);
  const raced = failures.every(({ code }) => code === "TAG_MOVED");
  return new KubefileError(
    raced ? "TAG_MOVED" : "REGISTRY",
    [
      `not every name stands for ${formatRepository(source)}@${digest}:`,
      ...list,
      ...(moved.length === 0 ? ["no other was moved"] : ["these do:", ...moved]),
    ].join("\n"),
    {
      hint: raced
        ? "somebody else moved it at the same time: look at what it stands for now, and decide again"
        : "the registry may keep tags from being moved, or you may not write there; run it again once that is mended",
      cause: failures.find(({ cause }) => cause !== undefined)?.cause,
    },
  );
}
