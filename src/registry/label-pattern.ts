type Matcher = "any run" | ((character: string) => boolean);

/**
 * Matches one label of a host name against a pattern of Go's filepath.Match: `*`, `?`, `[a-z]`, `[^a]`, backslash
 * escapes. A malformed pattern matches nothing. Patterns come from clusters, so no regular expression is made of
 * them: time is at most the product of the two lengths.
 */
export function matchesLabel(pattern: string, label: string): boolean {
  const matchers = parsePattern(pattern);
  if (matchers === undefined) return false;
  let at = 0;
  let position = 0;
  let retry: { readonly at: number; position: number } | undefined;
  while (position < label.length) {
    const matcher = matchers[at];
    if (matcher === "any run") {
      retry = { at: ++at, position };
    } else if (matcher?.(label[position] ?? "") === true) {
      at++;
      position++;
    } else if (retry !== undefined) {
      // Only the last run needs to grow: what an earlier one could gain, this one reaches too.
      at = retry.at;
      position = ++retry.position;
    } else {
      return false;
    }
  }
  return matchers.slice(at).every((matcher) => matcher === "any run");
}

function parsePattern(pattern: string): Matcher[] | undefined {
  const matchers: Matcher[] = [];
  const part = /\*|\?|\\(.)|\[(\^?)((?:\\.|[^\]\\])+)\]|([^[\\])/sy;
  while (part.lastIndex < pattern.length) {
    const match = part.exec(pattern);
    if (match === null) return undefined;
    const [whole, escaped, negation, members, plain] = match;
    if (whole === "*") matchers.push("any run");
    else if (whole === "?") matchers.push(() => true);
    else if (members !== undefined) matchers.push(characterClass(members, negation === "^"));
    else matchers.push((character) => character === (escaped ?? plain));
  }
  return matchers;
}

function characterClass(members: string, isNegated: boolean): Matcher {
  const ranges = [...members.matchAll(/(?:\\(.)|([^\\]))(?:-(?:\\(.)|([^\\])))?/gs)].map(
    ([, escapedLow, low, escapedHigh, high]) => {
      const first = escapedLow ?? low ?? "";
      return [first, escapedHigh ?? high ?? first] as const;
    },
  );
  return (character) => ranges.some(([low, high]) => low <= character && character <= high) !== isNegated;
}
