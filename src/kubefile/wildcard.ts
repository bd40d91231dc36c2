import { posix } from "node:path";
import type { ContextFiles } from "./context-files.ts";

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
  const parts = partsOf(pattern);
  return parts === undefined ? undefined : (name) => matches(parts, [...name]);
}

type Part = "many" | ((character: string) => boolean);

/** Going back only to the last `*` is enough, and keeps the time within pattern length times name length. */
function matches(parts: readonly Part[], characters: readonly string[]): boolean {
  let part = 0;
  let position = 0;
  let afterMany = -1;
  let retryFrom = 0;
  while (position < characters.length) {
    const wanted = parts[part];
    if (wanted === "many") {
      part += 1;
      afterMany = part;
      retryFrom = position;
    } else if (wanted?.(characters[position] ?? "") === true) {
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
  return parts.slice(part).every((rest) => rest === "many");
}

function partsOf(pattern: string): Part[] | undefined {
  const characters = [...pattern];
  const parts: Part[] = [];
  for (let index = 0; index < characters.length; index += 1) {
    const character = characters[index];
    if (character === "*") {
      parts.push("many");
    } else if (character === "?") {
      parts.push(() => true);
    } else if (character === "[") {
      const set = readSet(characters, index + 1);
      if (set === undefined) return undefined;
      parts.push(set.part);
      index = set.end;
    } else {
      if (character === "\\") index += 1;
      const literal = characters[index];
      if (literal === undefined) return undefined;
      parts.push((candidate) => candidate === literal);
    }
  }
  return parts;
}

/** A set from after its `[`; `end` is the index of its `]`. */
function readSet(characters: readonly string[], start: number): { part: Part; end: number } | undefined {
  const negated = characters[start] === "^";
  const ranges: (readonly [string, string])[] = [];
  let index = negated ? start + 1 : start;
  const next = (): string | undefined => {
    if (characters[index] === "\\") index += 1;
    const character = characters[index];
    index += 1;
    return character;
  };
  while (characters[index] !== "]" || ranges.length === 0) {
    if (characters[index] === "]" || characters[index] === "-") return undefined;
    const low = next();
    let high = low;
    if (characters[index] === "-") {
      index += 1;
      if (characters[index] === "]") return undefined;
      high = next();
    }
    if (low === undefined || high === undefined) return undefined;
    ranges.push([low, high]);
  }
  const codeOf = (character: string): number => character.codePointAt(0) ?? 0;
  const part = (candidate: string): boolean =>
    ranges.some(([low, high]) => codeOf(low) <= codeOf(candidate) && codeOf(candidate) <= codeOf(high)) !== negated;
  return { part, end: index };
}
