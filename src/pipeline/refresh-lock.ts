import pLimit from "p-limit";
import { exclusionOf } from "../capture/exclusion.ts";
import { errorMessage, KubefileError } from "../error.ts";
import { didYouMean, nearest } from "../kubefile/nearest.ts";
import { diffLocks, isEmptyDiff, type LockDiff } from "../lock/diff-locks.ts";
import { formatLock } from "../lock/format-lock.ts";
import { loadLock } from "../lock/read-lock.ts";
import type { Lock, LockedImage } from "../lock/types.ts";
import { parseReference } from "../oci/reference.ts";
import { lockFileOf, lockMismatch, writeWhole } from "./build-lock.ts";
import type { Host } from "./host.ts";
import type { BuildOptions } from "./options.ts";

export interface RefreshOptions extends Pick<BuildOptions, "file" | "fileShown"> {
  /** Patterns of images whose tags are resolved anew, as `--exclude` takes them; all when empty. */
  readonly update: readonly string[];
  /** Writes nothing, and fails when a tag has moved. */
  readonly check: boolean;
}

export interface RefreshedLock {
  /** How messages name the file. */
  readonly shown: string;
  readonly lock: Lock;
  readonly diff: LockDiff;
}

const TAGS_AT_ONCE = 8;

/**
 * Asks registries what the tags in a lock stand for now. Which images a launch needs is not asked: that only a build
 * tells, so the next one with this lock may add and remove some.
 *
 * @throws KubefileError USAGE without a lock, and for a pattern that fits nothing; REGISTRY with every tag that could not
 *   be resolved; LOCK_MISMATCH when it is only to be checked, and tags have moved
 */
export async function refreshLock(host: Host, options: RefreshOptions): Promise<RefreshedLock> {
  const file = lockFileOf(options.file);
  const shown = lockFileOf(options.fileShown);
  const before = await loadLock(file, shown);
  if (before === undefined) {
    throw new KubefileError("USAGE", `there is no ${shown} to refresh`, {
      hint: "which images a launch needs is found by a build: kubefile build --lock writes the first one",
    });
  }
  const chosen = chooseImages(before, options.update);
  const lock = await host.progress.phase("tags", async (phase) => {
    const images = await resolveAnew(host, before, chosen);
    phase.summary(`${chosen.size} asked for`);
    return { images };
  });
  const diff = diffLocks(before, lock);
  if (options.check && !isEmptyDiff(diff)) throw lockMismatch(`tags in ${shown} have moved`, diff, "kubefile lock");
  if (!options.check && !isEmptyDiff(diff)) await writeWhole(file, formatLock(lock));
  return { shown, lock, diff };
}

/** What is asked for by digest stands for itself. */
function chooseImages({ images }: Lock, patterns: readonly string[]): ReadonlySet<LockedImage> {
  const tagged = images.filter(({ reference }) => parseReference(reference).digest === undefined);
  if (patterns.length === 0) return new Set(tagged);
  const chosen = new Set<LockedImage>();
  const vain: string[] = [];
  for (const pattern of patterns) {
    const fits = exclusionOf([pattern]);
    const found = tagged.filter(({ reference }) => fits(parseReference(reference)));
    if (found.length === 0) vain.push(pattern);
    for (const image of found) chosen.add(image);
  }
  const [first] = vain;
  if (first === undefined) return chosen;
  const near = didYouMean(
    nearest(
      first,
      tagged.map(({ reference }) => reference),
    ),
  );
  throw new KubefileError("USAGE", `no tag in the lock is named ${vain.join(", nor ")}`, {
    hint: near ?? "patterns are as those of --exclude: nginx, ghcr.io/shop/**, docker.io/library/nginx:1.27",
  });
}

async function resolveAnew(host: Host, { images }: Lock, chosen: ReadonlySet<LockedImage>): Promise<LockedImage[]> {
  const limit = pLimit(TAGS_AT_ONCE);
  const problems: string[] = [];
  const resolved = await Promise.all(
    images.map((image) => {
      if (!chosen.has(image)) return image;
      return limit(async () => {
        const reference = parseReference(image.reference);
        host.trustRegistry(reference.host);
        try {
          const { digest } = await host.client.resolve(reference, reference.tag ?? "latest", { signal: host.signal });
          return { ...image, digest };
        } catch (error) {
          problems.push(errorMessage(error));
          return image;
        }
      });
    }),
  );
  host.signal.throwIfAborted();
  if (problems.length === 0) return resolved;
  throw new KubefileError("REGISTRY", [...new Set(problems)].sort().join("\n"), {
    hint: "check the names, your login (docker login) and whether the registries can be reached",
  });
}
