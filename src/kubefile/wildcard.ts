import { posix } from "node:path";
import type { ContextFiles } from "./context-files.ts";
import { type WildcardPart, wildcardParts } from "./wildcard-parts.ts";

/**
 * The wildcards of COPY and ADD, those of Go's filepath.Match: `*`, `?`, `[a-z]`, `[^a-z]` and `\` before a character
 * that stands for itself. None of them matches a slash. `*` also matches names that start with a dot.
 */
export function hasWildcard(path: string): boolean {
  return /[*?[\\]/.test(path);
}

/** The paths of the context that a pattern matches, sorted; none for a malformed pattern. */
export function matchWildcard(context: ContextFiles, pattern: string): readonly string[] {
  let found: readonly string[] = ["."];
  for (const component of posix.normalize(pattern).split("/")) {
    if (component === "" || component === ".") continue;
    const fits = matcherOf(component) ?? (() => false);
    found = found.flatMap((directory) =>
      context
        .list(directory)
        .filter(fits)
        .map((name) => posix.join(directory, name)),
    );
  }
  return [...found].sort();
}

/** A function that says whether a name (one path component) fits; undefined for a malformed pattern. */
export function matcherOf(pattern: string): ((name: string) => boolean) | undefined {
  const parts = wildcardParts(pattern);
  return parts === undefined ? undefined : (name) => matches(parts, [...name]);
}

/** Going back only to the last `*` is enough, and keeps the time within pattern length times name length. */
function matches(parts: readonly WildcardPart[], characters: readonly string[]): boolean {
  let part = 0;
  let position = 0;
  let afterMany = -1;
  let retryFrom = 0;
  while (position < characters.length) {
    const wanted = parts[part];
    if (wanted?.kind === "many") {
      part += 1;
      afterMany = part;
      retryFrom = position;
    } else if (wanted !== undefined && fits(wanted, characters[position] ?? "")) {
      part += 1;
      position += 1;
    } else if (afterMany >= 0) {
      part = afterMany;
      retryFrom += 1;
      position = retryFrom;
    } else {
      return false;
    }
  }
  return parts.slice(part).every(({ kind }) => kind === "many");
}

function fits(part: Exclude<WildcardPart, { kind: "many" }>, character: string): boolean {
  if (part.kind === "literal") return part.character === character;
  return part.kind === "one" || part.holds(character);
}
