import { KubefileError } from "../error.ts";

/** A launch that fails over an image is told which one the artifact lacks. */
export function withMissing(
  error: KubefileError,
  missing: readonly { repository: string; reference: string }[],
): KubefileError {
  const names = [
    ...new Set(
      missing.map(
        ({ repository, reference }) => `${repository}${reference.startsWith("sha256:") ? "@" : ":"}${reference}`,
      ),
    ),
  ].sort();
  if (names.length === 0) return error;
  return new KubefileError("VERIFY_FAILED", `the artifact lacks ${names.join(", ")}\n${error.message}`, {
    hint: "build it again; an image that only runs now and then is captured with --include, and what a build was told to --exclude is missing here, too",
    ...(error.where === undefined ? {} : { where: error.where }),
    cause: error,
  });
}
