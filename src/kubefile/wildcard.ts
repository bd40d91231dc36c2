import { posix } from "node:path";
import type { ContextFiles } from "./context-files.ts";

/** Whether a source of COPY is a pattern. */
export function hasWildcard(path: string): boolean {
  return /[*?[]/.test(path);
}

/** The paths of the context that a pattern matches, sorted; `*`, `?` and `[...]` never match a slash. */
export function matchWildcard(context: ContextFiles, pattern: string): readonly string[] {
  let found: readonly string[] = ["."];
  for (const segment of posix.normalize(pattern).split("/")) {
    if (segment === "" || segment === ".") continue;
    const fits = hasWildcard(segment) ? segmentMatcher(segment) : (name: string) => name === segment;
    found = found.flatMap((directory) =>
      context
        .list(directory)
        .filter(fits)
        .map((name) => posix.join(directory, name)),
    );
  }
  return [...found].sort();
}

/** Tells whether one character fits; `"star"` fits any run of them. */
type Token = "star" | ((character: string) => boolean);

/** One segment of a pattern, by the rules of Go's filepath.Match. A broken bracket matches nothing. */
function segmentMatcher(segment: string): (name: string) => boolean {
  const tokens: Token[] = [];
  for (let offset = 0; offset < segment.length; offset += 1) {
    const character = segment.charAt(offset);
    if (character === "*") {
      tokens.push("star");
    } else if (character === "?") {
      tokens.push(() => true);
    } else if (character === "[") {
      const end = segment.indexOf("]", offset + 2);
      if (end < 0) return () => false;
      tokens.push(characterSet(segment.slice(offset + 1, end)));
      offset = end;
    } else {
      if (character === "\\") offset += 1;
      const literal = segment.charAt(offset);
      tokens.push((candidate) => candidate === literal);
    }
  }
  return (name) => matches(tokens, name);
}

/** `a-z`, `^abc`: ranges and single characters. */
function characterSet(written: string): (character: string) => boolean {
  const negated = written.startsWith("^");
  const set = negated ? written.slice(1) : written;
  const ranges = [...set.matchAll(/(.)-(.)|(.)/gs)].map((match) => [
    match[1] ?? match[3] ?? "",
    match[2] ?? match[3] ?? "",
  ]);
  return (character) => ranges.some(([low = "", high = ""]) => low <= character && character <= high) !== negated;
}

/** Greedy with one step back to the last star, so that no pattern takes longer than pattern times name. */
function matches(tokens: readonly Token[], name: string): boolean {
  let token = 0;
  let offset = 0;
  let star = -1;
  let starOffset = 0;
  while (offset < name.length) {
    const current = tokens[token];
    if (current === "star") {
      star = token;
      starOffset = offset;
      token += 1;
    } else if (current?.(name.charAt(offset))) {
      token += 1;
      offset += 1;
    } else if (star >= 0) {
      token = star + 1;
      starOffset += 1;
      offset = starOffset;
    } else {
      return false;
    }
  }
  return tokens.slice(token).every((rest) => rest === "star");
}
