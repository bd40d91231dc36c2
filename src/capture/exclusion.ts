import picomatch from "picomatch";
import { formatReference, formatRepository, type Reference } from "../oci/reference.ts";

/**
 * Makes a test for images that must stay out of a capture. A pattern is a glob (`*` ends at a slash, `**` does not) that
 * is held against the full form with and without tag and digest, and against Docker Hub's short form: `nginx`,
 * `docker.io/library/nginx:1.27`, `ghcr.io/shop/**` and `registry.example:5000/**` all work.
 */
export function exclusionOf(patterns: readonly string[]): (reference: Reference) => boolean {
  const matchers = patterns.map((pattern) => picomatch(pattern, { dot: true, noextglob: true, nonegate: true }));
  return (reference) => {
    const spellings = spellingsOf(reference);
    return matchers.some((matches) => spellings.some((spelling) => matches(spelling)));
  };
}

/** Patterns that match none of the images: misspelt, or of a time when there was one. */
export function idlePatterns(patterns: readonly string[], references: readonly Reference[]): readonly string[] {
  return patterns.filter((pattern) => !references.some(exclusionOf([pattern])));
}

function spellingsOf(reference: Reference): readonly string[] {
  const { host, path, tag } = reference;
  const full = [
    formatReference(reference),
    formatRepository(reference),
    ...(tag === undefined ? [] : [formatReference({ host, path, tag })]),
  ];
  return full.flatMap((text) => {
    const hub = text.startsWith("docker.io/") ? [text.slice("docker.io/".length)] : [];
    return [text, ...hub, ...hub.flatMap((short) => (short.startsWith("library/") ? [short.slice(8)] : []))];
  });
}
