import type { BuildUse, ImageBuild } from "./types.ts";

/** Milliseconds that one image may take. */
export const BUILD_TIMEOUT = 3_600_000;

/** Values of ARG: those that are given, and the time that the image is of. */
export function buildArguments(
  build: ImageBuild,
  epoch: BuildUse["epoch"],
): readonly (readonly [name: string, value: string])[] {
  return [["SOURCE_DATE_EPOCH", String(epoch)], ...build.arguments];
}
