import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { errorMessage, KubefileError } from "../error.ts";
import { countOf } from "../image/text-table.ts";
import { diffLocks, formatLockDiff, isEmptyDiff, type LockDiff } from "../lock/diff-locks.ts";
import { formatLock, sortLocked } from "../lock/format-lock.ts";
import { lockedName, pinnedName, pinsOf } from "../lock/pins.ts";
import { loadLock } from "../lock/read-lock.ts";
import type { Lock, LockedImage, LockRole } from "../lock/types.ts";
import type { Digest } from "../oci/digest.ts";
import { aboutFile } from "../process/disk-full.ts";
import { type BuildOptions, defaultRunImage } from "./options.ts";
import type { Progress } from "./progress.ts";
import { noSiblings, type SiblingBuilds } from "./sibling-builds.ts";

/** The lock of one build: what it was, and what is to become of it. */
export interface BuildLock {
  readonly mode: "exact" | "write" | "none";
  /** Absolute path. */
  readonly file: string;
  /** How messages name it. */
  readonly shown: string;
  /** Absent when there is none, or when it does not count. */
  readonly before: Lock | undefined;
  /** Digests by full reference, `docker.io/library/nginx:1.27`. */
  readonly pins: ReadonlyMap<string, Digest>;
  /** The builds for other platforms that are under the same lock. */
  readonly siblings: SiblingBuilds;
}

/** `kubefile.lock` beside a Kubefile; one of another name has a lock of its own. */
export function lockFileOf(kubefile: string): string {
  const name = basename(kubefile);
  return join(dirname(kubefile), name === "Kubefile" ? "kubefile.lock" : `${name}.lock`);
}

/** Where a build's lock lies in its context; undefined outside of it. A build writes it, so it is no input of one. */
export function lockInContext({ context, file }: Pick<BuildOptions, "context" | "file">): string | undefined {
  const path = relative(context, lockFileOf(file));
  return path.startsWith("..") ? undefined : path;
}

/**
 * Reads what a build has to hold on to.
 *
 * @throws KubefileError LOCK_INVALID; USAGE when a lock is asked for that is not there
 */
export async function openBuildLock(
  options: Pick<BuildOptions, "file" | "fileShown" | "lock">,
  siblings: SiblingBuilds = noSiblings,
): Promise<BuildLock> {
  const file = lockFileOf(options.file);
  const shown = lockFileOf(options.fileShown);
  const same = pinsOf({ images: siblings.used });
  if (options.lock === "off") return { mode: "none", file, shown, before: undefined, pins: same, siblings };
  const before = await loadLock(file, shown);
  if (before === undefined && options.lock === "exact") {
    throw new KubefileError("USAGE", `--locked needs ${shown}, and there is none`, {
      hint: "kubefile build --lock writes it; commit it beside the Kubefile",
    });
  }
  const mode = options.lock === "exact" ? "exact" : before === undefined && options.lock === "auto" ? "none" : "write";
  const pins = new Map([...same, ...(before === undefined ? [] : pinsOf(before))]);
  return { mode, file, shown, before, pins, siblings };
}

/**
 * The images of the engine that a build is to use: those it was told, with the digests of the lock. Where nothing was
 * told and the build must be exact, the launch container's is the lock's, whatever a newer release would take.
 */
export function pinnedImages(
  { runImage, nodeImage }: Pick<BuildOptions, "runImage" | "nodeImage">,
  { mode, before, pins }: BuildLock,
): Pick<BuildOptions, "runImage" | "nodeImage"> {
  const locked = mode === "exact" && runImage === defaultRunImage ? lockedName(before, "run") : undefined;
  return {
    runImage: locked ?? pinnedName(runImage, pins),
    nodeImage: nodeImage === undefined ? undefined : pinnedName(nodeImage, pins),
  };
}

/**
 * The lock that follows from what a build used. Of a role that this build had no use for, the entries stay: a build
 * without a cluster has no word on the nodes.
 */
export function lockAfter(
  { before, siblings }: BuildLock,
  used: readonly LockedImage[],
  unused: ReadonlySet<LockRole>,
): Lock {
  const kept = before?.images.filter(({ role }) => unused.has(role)) ?? [];
  // A tag that moved while the build went on stands for what the launch got: a lock says one thing of one name.
  const digests = new Map<string, Digest>();
  const entries = new Map<string, LockedImage>();
  for (const image of [...siblings.used, ...used, ...kept]) {
    const digest = digests.get(image.reference) ?? image.digest;
    digests.set(image.reference, digest);
    entries.set(`${image.role} ${image.reference}`, { ...image, digest });
  }
  return { images: sortLocked([...entries.values()]) };
}

/** @throws KubefileError LOCK_MISMATCH listing every image that is not as a lock has it, when the build must keep to it */
export function checkLock(lock: BuildLock, after: Lock): void {
  if (lock.mode !== "exact" || lock.before === undefined || lock.siblings.areMore) return;
  const diff = diffLocks(lock.before, after);
  if (!isEmptyDiff(diff)) {
    throw lockMismatch(`this build is not what ${lock.shown} says`, diff, "kubefile build --lock");
  }
}

/** @param remedy the command that writes the lock as it is now */
export function lockMismatch(message: string, diff: LockDiff, remedy: string): KubefileError {
  const lines = formatLockDiff(diff).map((line) => `\n  ${line}`);
  return new KubefileError("LOCK_MISMATCH", `${message}:${lines.join("")}`, {
    hint: `when that is as it should be, write the lock anew with ${remedy}, and commit it`,
  });
}

/**
 * Writes the lock when it has changed, and says so. Where a lock is there but cannot be written, that is a warning: the
 * build has done what it was asked.
 */
export async function writeBuildLock(
  lock: BuildLock,
  after: Lock,
  { progress, isAsked }: { readonly progress: Progress; readonly isAsked: boolean },
): Promise<void> {
  if (lock.mode !== "write" || lock.siblings.areMore) return;
  const text = formatLock(after);
  if (text === (await readFile(lock.file, "utf8").catch(() => undefined))) return;
  try {
    await writeWhole(lock.file, text);
  } catch (error) {
    if (isAsked) throw error;
    progress.note("warning", `${lock.shown} is out of date and cannot be written: ${errorMessage(error)}`);
    return;
  }
  progress.note("info", `${lock.shown}: ${changesOf(lock.before, after)}`);
}

/** A reader sees the old text or the new one. */
export async function writeWhole(file: string, text: string): Promise<void> {
  const partial = `${file}.${process.pid}.new`;
  try {
    await writeFile(partial, text);
    await rename(partial, file);
  } catch (error) {
    throw aboutFile(file, error);
  } finally {
    await rm(partial, { force: true });
  }
}

function changesOf(before: Lock | undefined, after: Lock): string {
  if (before === undefined) return `written, ${countOf(after.images.length, "image")}`;
  const { added, removed, moved, regraded } = diffLocks(before, after);
  const parts = [
    [added.length, "added"],
    [removed.length, "removed"],
    [moved.length, "moved"],
    [regraded.length, "of another grade"],
  ] as const;
  return parts.flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}`])).join(", ") || "written anew";
}
