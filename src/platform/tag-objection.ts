import { KubefileError } from "../error.ts";
import type { Digest } from "../oci/digest.ts";
import { parseManifest } from "../oci/manifest.ts";
import type { ManifestContent } from "../registry/types.ts";
import type { CommitHistory } from "./commit-history.ts";

/** Why a tag must stay with what it carries; undefined when it may be moved. */
export type Objection = (carried: ManifestContent) => Promise<string | undefined>;

const REVISION = "org.opencontainers.image.revision";

/** What a pull or merge request, or a part of a version, names: whoever comes last. */
export const noObjection: Objection = async () => undefined;

/** The first image of a commit that was verified keeps its name: a release promotes what was verified, not a later try. */
export const keepsFirst: Objection = async () => "it names this commit's first verified image, and keeps to it";

/** @throws KubefileError USAGE: who depends on a version has been given other content under it */
export function neverMoves(name: string): Objection {
  return async ({ digest }) => {
    throw new KubefileError("USAGE", `${name} names ${digest} already`, {
      hint: "a version is never moved: release the change under a new one",
    });
  };
}

/**
 * A branch's tag goes forward only: a run of an older commit that ends later does not turn it back.
 *
 * @param child reads a manifest of an index
 */
export function followsOnly(
  commit: string,
  history: CommitHistory,
  child: (digest: Digest) => Promise<Buffer>,
): Objection {
  return async (carried) => {
    const before = await revisionOf(carried.bytes, child);
    if (before === undefined) return undefined;
    const follows = await history.descends(commit, before);
    if (follows === true) return undefined;
    const [short, shortBefore] = [commit.slice(0, 12), before.slice(0, 12)];
    return follows === false
      ? `it carries commit ${shortBefore}, which ${short} does not follow; --force moves it all the same`
      : `it carries commit ${shortBefore}, and this clone cannot tell whether ${short} follows it`;
  };
}

/** The commit that a cluster image was built from, when it says so; of an index, that of its first platform. */
export async function revisionOf(
  bytes: Buffer,
  child: (digest: Digest) => Promise<Buffer>,
): Promise<string | undefined> {
  const manifest = parseManifest(bytes);
  if (manifest.kind === "image") return manifest.annotations[REVISION];
  const [first] = manifest.manifests;
  return first === undefined ? undefined : await revisionOf(await child(first.digest), child);
}
