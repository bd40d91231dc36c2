import { KubefileError } from "../error.ts";
import type { ClusterImage } from "./cluster-image.ts";
import { platformName } from "./cluster-index.ts";

export interface NamedImage {
  /** As messages call it. */
  readonly name: string;
  readonly image: ClusterImage;
}

export interface JoinRules {
  /** Platforms whose grades differ may stand together; the index says which were not rehearsed. */
  readonly mixedGrades: boolean;
}

/**
 * Checks that images can stand below one index.
 *
 * @throws KubefileError USAGE with every problem
 */
export function checkJoin(images: readonly NamedImage[], { mixedGrades }: JoinRules): void {
  const problems = [...sharedPlatforms(images), ...(mixedGrades ? [] : mixedGradeProblems(images))];
  if (problems.length === 0) return;
  const hint = problems.some((problem) => problem.startsWith("grades"))
    ? "rehearse each platform on a runner of its own, or allow it with --mixed-grades: the index then says which were not"
    : "name one image for each platform";
  throw new KubefileError("USAGE", `these images make no index:\n${problems.map((line) => `  ${line}`).join("\n")}`, {
    hint,
  });
}

function sharedPlatforms(images: readonly NamedImage[]): string[] {
  const names = new Map<string, string[]>();
  for (const { name, image } of images) {
    const platform = platformName(image);
    names.set(platform, [...(names.get(platform) ?? []), name]);
  }
  return [...names].filter(([, each]) => each.length > 1).map(([platform, each]) => `${platform}: ${each.join(", ")}`);
}

function mixedGradeProblems(images: readonly NamedImage[]): string[] {
  const grades = images.map(({ image }) => `${platformName(image)} is ${image.config.grade}`);
  return new Set(images.map(({ image }) => image.config.grade)).size > 1 ? [`grades differ: ${grades.join(", ")}`] : [];
}

/** What is no reason to refuse, but seldom meant. */
export function joinWarnings(images: readonly NamedImage[]): string[] {
  const revisions = new Map(
    images.map(({ name, image }) => [image.manifest.annotations["org.opencontainers.image.revision"], name]),
  );
  if (revisions.size < 2) return [];
  const list = [...revisions].map(([revision, name]) => `${name} of ${revision?.slice(0, 12) ?? "none"}`);
  return [`the images were built from different commits: ${list.join(", ")}`];
}
