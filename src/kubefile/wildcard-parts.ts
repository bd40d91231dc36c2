/** One element of a pattern; `many` is one star, whatever it stands for is up to who matches. */
export type WildcardPart =
  | { readonly kind: "many" }
  | { readonly kind: "one" }
  | { readonly kind: "literal"; readonly character: string }
  | { readonly kind: "set"; readonly holds: (character: string) => boolean };

/** The elements of a pattern of Go's filepath.Match; undefined for a malformed one. */
export function wildcardParts(pattern: string): readonly WildcardPart[] | undefined {
  const characters = [...pattern];
  const parts: WildcardPart[] = [];
  for (let index = 0; index < characters.length; index += 1) {
    const character = characters[index];
    if (character === "*") {
      parts.push({ kind: "many" });
    } else if (character === "?") {
      parts.push({ kind: "one" });
    } else if (character === "[") {
      const set = readSet(characters, index + 1);
      if (set === undefined) return undefined;
      parts.push({ kind: "set", holds: set.holds });
      index = set.end;
    } else {
      if (character === "\\") index += 1;
      const literal = characters[index];
      if (literal === undefined) return undefined;
      parts.push({ kind: "literal", character: literal });
    }
  }
  return parts;
}

/** A set from after its `[`; `end` is the index of its `]`. */
function readSet(
  characters: readonly string[],
  start: number,
): { holds: (character: string) => boolean; end: number } | undefined {
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
  const holds = (candidate: string): boolean =>
    ranges.some(([low, high]) => codeOf(low) <= codeOf(candidate) && codeOf(candidate) <= codeOf(high)) !== negated;
  return { holds, end: index };
}
