import { createHash } from "node:crypto";

/** What a pipeline was started for. */
export type TagEvent =
  | { readonly kind: "branch"; readonly branch: string; readonly isDefault: boolean; readonly commit: string }
  | { readonly kind: "pull request" | "merge request"; readonly number: number }
  | { readonly kind: "release"; readonly version: string; readonly published: readonly string[] };

/** Tags of one repository. A fixed one is written once; a moving one goes from image to image. */
export interface TagPlan {
  readonly fixed: readonly string[];
  readonly moving: readonly string[];
}

interface Version {
  readonly numbers: readonly [number, number, number];
  readonly prerelease: string | undefined;
}

const LONGEST_TAG = 128;
const semver = /^v?(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/;

/**
 * The tags that an image gets, the same on every platform (docs/pipelines.md, "Tags").
 *
 * @returns undefined when a release's name is no semantic version
 */
export function tagsFor(event: TagEvent): TagPlan | undefined {
  switch (event.kind) {
    case "branch":
      return {
        fixed: [commitTag(event.commit)],
        moving: [branchTag(event.branch), ...(event.isDefault ? ["edge"] : [])],
      };
    case "pull request":
      return { fixed: [], moving: [`pr-${event.number}`] };
    case "merge request":
      return { fixed: [], moving: [`mr-${event.number}`] };
    case "release":
      return releaseTags(event.version, event.published);
    default:
      return event satisfies never;
  }
}

/** The tag that says: built from this commit, and verified. */
export function commitTag(commit: string): string {
  return `sha-${commit.slice(0, 12)}`;
}

/** A branch's name as a tag; what means something else already, or would be too long, is told apart. */
export function branchTag(branch: string): string {
  const tag = branch.replace(/[^A-Za-z0-9_.-]+/g, "-").replace(/^[.-]+/, "") || "branch";
  const isTaken = /^(?:edge|latest|(?:sha|pr|mr|branch)-.*)$/.test(tag) || /^v?\d+(?:\.\d+){0,2}(?:[-+].*)?$/.test(tag);
  const told = isTaken ? `branch-${tag}` : tag;
  if (told.length <= LONGEST_TAG) return told;
  const suffix = createHash("sha256").update(branch).digest("hex").slice(0, 8);
  return `${told.slice(0, LONGEST_TAG - suffix.length - 1)}-${suffix}`;
}

/** `1.4.2` for the Git tags `1.4.2` and `v1.4.2`; undefined for one that names no version. */
export function exactVersion(name: string): string | undefined {
  return releaseTags(name, [])?.fixed[0];
}

/** Whether a Git tag or an image's tag names a version before its release, such as `1.5.0-rc.1`. */
export function isPrerelease(name: string): boolean {
  return parseVersion(name)?.prerelease !== undefined;
}

/** The latest release before a version, among the tags of a repository. Versions before a release are passed over. */
export function releaseBefore(version: string, published: readonly string[]): string | undefined {
  const own = parseVersion(version);
  if (own === undefined) return undefined;
  return published
    .flatMap((tag) => {
      const parsed = tag.startsWith("v") ? undefined : parseVersion(tag);
      return parsed === undefined || parsed.prerelease !== undefined ? [] : [{ tag, numbers: parsed.numbers }];
    })
    .filter(({ numbers }) => compare(numbers, own.numbers) < 0)
    .sort((one, other) => compare(other.numbers, one.numbers))[0]?.tag;
}

/** `1.4.2` for good; `1.4`, `1` and `latest` only where no later version holds them: a fix of an old line moves none back. */
function releaseTags(name: string, published: readonly string[]): TagPlan | undefined {
  const version = parseVersion(name);
  if (version === undefined) return undefined;
  const [major, minor, patch] = version.numbers;
  const exact = `${major}.${minor}.${patch}${version.prerelease === undefined ? "" : `-${version.prerelease}`}`;
  if (version.prerelease !== undefined) return { fixed: [exact], moving: [] };
  const others = published
    .flatMap((tag) => parseVersion(tag) ?? [])
    .filter(({ prerelease }) => prerelease === undefined)
    .map(({ numbers }) => numbers);
  const isNewest = (line: (other: Version["numbers"]) => boolean): boolean =>
    others.filter(line).every((other) => compare(other, version.numbers) <= 0);
  const moving = [
    ...(isNewest(([x, y]) => x === major && y === minor) ? [`${major}.${minor}`] : []),
    // Before 1.0 every minor version may break: 0 would promise what it does not hold.
    ...(major > 0 && isNewest(([x]) => x === major) ? [`${major}`] : []),
    ...(isNewest(() => true) ? ["latest"] : []),
  ];
  return { fixed: [exact], moving };
}

function parseVersion(text: string): Version | undefined {
  const [, major, minor, patch, prerelease] = semver.exec(text) ?? [];
  if (major === undefined || minor === undefined || patch === undefined) return undefined;
  return { numbers: [Number(major), Number(minor), Number(patch)], prerelease };
}

function compare(one: Version["numbers"], other: Version["numbers"]): number {
  return one[0] - other[0] || one[1] - other[1] || one[2] - other[2];
}
