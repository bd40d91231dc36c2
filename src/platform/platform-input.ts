import { KubefileError } from "../error.ts";
import { formatPlatform, hostPlatform, type Platform, parsePlatform } from "../oci/descriptor.ts";
import type { Inputs } from "./inputs.ts";

/** Which image of an index is meant; the same for every verb that reads one. */
export const platformInput = {
  platform: {
    kind: "text",
    value: "os/arch",
    without: "the machine's own",
    help: "which image to take of an index",
  },
} as const satisfies Inputs;

/** @throws KubefileError USAGE */
export function parsePlatformInput(text: string | undefined): Platform | undefined {
  if (text === undefined) return undefined;
  const platform = parsePlatform(text);
  if (platform !== undefined) return platform;
  throw new KubefileError("USAGE", `--platform ${JSON.stringify(text.slice(0, 100))} is not a platform`, {
    hint: "write --platform linux/amd64, or linux/arm/v7",
  });
}

/**
 * What a build is for: each platform once, in the order in which they were named; this machine's when none was.
 *
 * @param texts one platform each, or several joined by commas
 * @throws KubefileError USAGE
 */
export function parseBuildPlatforms(texts: readonly string[]): readonly [Platform, ...Platform[]] {
  const named = texts
    .flatMap((text) => text.split(","))
    .flatMap((text) => parsePlatformInput(text.trim()) ?? [])
    .map((platform) => [formatPlatform(platform), platform] as const);
  const [first = hostPlatform(), ...others] = new Map(named).values();
  return [first, ...others];
}

/** @throws KubefileError USAGE for several platforms that would be rehearsed: the engine runs one */
export function requireOneRehearsal(platforms: readonly Platform[], capture: "cluster" | "static"): void {
  const [first, ...others] = platforms.map(formatPlatform);
  if (capture === "static" || others.length === 0) return;
  throw new KubefileError("USAGE", `one build rehearses one platform, not ${[first, ...others].join(", ")}`, {
    hint: `build each on a runner of its own, kubefile build --platform ${first} -t NAME:TAG-ARCH --push, and join them: kubefile index create -t NAME:TAG IMAGE...; or read files alone with --capture static`,
  });
}
