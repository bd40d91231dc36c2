import { KubefileError } from "../error.ts";

/** What nodes asked of an artifact that does not have it: a repository, and a tag or digest. */
type Missing = readonly { readonly repository: string; readonly reference: string }[];

/** A launch that fails over an image is told which one the artifact lacks. */
export function withMissing(error: KubefileError, missing: Missing): KubefileError {
  if (missing.length === 0) return error;
  return new KubefileError("VERIFY_FAILED", `the artifact lacks ${namesOf(missing)}\n${error.message}`, {
    hint: "build it again; an image that only runs now and then is captured with --include, and what a build was told to --exclude is missing here, too",
    ...(error.where === undefined ? {} : { where: error.where }),
    cause: error,
  });
}

/** What is to be said of a launch that came up all the same, as one does whose pods were not waited for. */
export function missingNote(missing: Missing): string | undefined {
  if (missing.length === 0) return undefined;
  return `the artifact lacks ${namesOf(missing)}, which nodes asked for; the launch came up without`;
}

function namesOf(missing: Missing): string {
  const names = missing.map(
    ({ repository, reference }) => `${repository}${reference.startsWith("sha256:") ? "@" : ":"}${reference}`,
  );
  return [...new Set(names)].sort().join(", ");
}
