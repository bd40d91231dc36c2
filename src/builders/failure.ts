import { KubefileError, type Location } from "../error.ts";
import { formatReference } from "../oci/reference.ts";
import { printable } from "../process/printable.ts";
import type { ImageBuild } from "./types.ts";

/** Characters of a builder's output that are looked at when it has failed; a Dockerfile may print without end. */
export const KEPT_OUTPUT = 256 * 1024;
/** What of them is in the message. */
const LAST_LINES = 12;

/**
 * The error of a build that a builder has ended with a failure.
 *
 * @param said the end of what the builder printed
 */
export function buildFailed(build: ImageBuild, said: string): KubefileError {
  const name = formatReference(build.reference);
  const printed = said.split("\n");
  const lines = printed.map((line) => printable(line).trimEnd()).filter((line) => line !== "" && !isPreamble(line));
  const last = lines.slice(-LAST_LINES).map((line) => `\n  ${line}`);
  const where = blamedLine(build, lines);
  return new KubefileError("IMAGE_BUILD_FAILED", `${name} cannot be built from ${build.shown}:${last.join("")}`, {
    hint: hintFor(lines),
    ...(where === undefined ? {} : { where }),
  });
}

/** BuildKit ends with `Dockerfile:3` above the lines around it; kaniko tells only where it could not parse. */
function blamedLine({ dockerfile, shown }: ImageBuild, lines: readonly string[]): Location | undefined {
  const file = dockerfile.split("/").at(-1) ?? dockerfile;
  for (const line of lines.toReversed()) {
    const [, named, shownLine] = /^(\S+):(\d+)$/.exec(line) ?? [];
    const isNamed = named === file || named === dockerfile;
    const number = isNamed ? shownLine : /\bparse error on line (\d+)/.exec(line)?.[1];
    if (number !== undefined) return { file: shown, line: Number(number) };
  }
  return undefined;
}

/** What kaniko says of itself before it has looked at anything. */
function isPreamble(line: string): boolean {
  return /^INFO\[\d+\] (?:active feature flags:|To simulate EOF|all credential helpers|credential providers by)/.test(
    line,
  );
}

function hintFor(lines: readonly string[]): string {
  const said = lines.join("\n");
  if (/OCI exporter is not supported for the docker driver/i.test(said)) {
    return "this builder cannot write OCI images: `docker buildx create --use`, or docker/setup-buildx-action, makes one that can";
  }
  if (/failed to read dockerfile|error resolving dockerfile|no such file or directory.*Dockerfile/i.test(said)) {
    return "name the Dockerfile by its path in the context: file=docker/Dockerfile";
  }
  return "what the builder printed tells more; a build of this image alone shows the same";
}
