import { type Descriptor, formatPlatform, isSamePlatform, type Platform, parsePlatform } from "./descriptor.ts";
import { selectPlatform } from "./manifest.ts";

/**
 * The child of a container image's index that a node of `platform` runs. As containerd does, it takes what fits the
 * platform best, and rather the image of an older one that the same processors run than none: a node of amd64 starts an
 * image that is for 386 alone. What we choose otherwise would be captured while nodes run another.
 */
export function selectImage(manifests: readonly Descriptor[], platform: Platform): Descriptor | undefined {
  const images = manifests.filter((child) => child.annotations?.["vnd.docker.reference.type"] === undefined);
  for (const wanted of runnable(platform)) {
    const found = images.find((child) => child.platform !== undefined && isSamePlatform(usual(child.platform), wanted));
    if (found !== undefined) return found;
  }
  return selectPlatform(manifests, platform);
}

/** What nodes of a platform run, best first. */
function runnable(platform: Platform): readonly Platform[] {
  const { os, architecture, variant } = usual(platform);
  const level = Number(variant?.slice(1) ?? 1);
  switch (architecture) {
    case "amd64":
      return [...down(os, "amd64", level, 1), { os, architecture: "386" }];
    case "arm64":
      return [{ os, architecture, ...(variant === undefined ? {} : { variant }) }, ...down(os, "arm", 8, 5)];
    case "arm":
      return down(os, "arm", level, 5);
    default:
      return [usual(platform)];
  }
}

function down(os: string, architecture: string, from: number, to: number): readonly Platform[] {
  return Array.from({ length: Math.max(0, from - to + 1) }, (_, step) =>
    usual({ os, architecture, variant: `v${from - step}` }),
  );
}

/** One name for each platform: `arm64/v8` is `arm64`. */
function usual(platform: Platform): Platform {
  return parsePlatform(formatPlatform(platform)) ?? platform;
}
