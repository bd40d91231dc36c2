import { type WildcardPart, wildcardParts } from "./wildcard-parts.ts";

/** One pattern of an ignore file. Paths are relative to the context, with slashes, normalised. */
export interface IgnorePattern {
  /** Whether the pattern matches a path or a directory above it. */
  matches(path: string): boolean;
  /** Whether it can match anything below a directory; may say yes where nothing is. */
  mayMatchBelow(directory: string): boolean;
}

/**
 * Compiles a cleaned pattern, without its `!`: Go's filepath.Match, with `**` for any number of directories.
 *
 * @returns undefined for a malformed pattern
 */
export function compileIgnorePattern(pattern: string): IgnorePattern | undefined {
  const parts = wildcardParts(pattern);
  if (parts === undefined) return undefined;
  const tokens = endsWithName.test(pattern) ? suffixTokens(parts) : tokensOf(parts);
  return {
    matches(path) {
      let states = enter(tokens, [0]);
      for (const character of path) {
        if (character === "/" && states.has(tokens.length)) return true;
        states = step(tokens, states, character);
        if (states.size === 0) return false;
      }
      return states.has(tokens.length);
    },
    mayMatchBelow(directory) {
      let states = enter(tokens, [0]);
      for (const character of `${directory}/`) states = step(tokens, states, character);
      return states.size > 0;
    },
  };
}

/** `anything` also takes slashes; `optional` is left out together with the two tokens after it, or stands for them. */
type Token = WildcardPart | { readonly kind: "anything" } | { readonly kind: "optional" };

/** `**name`: Docker takes it for every path that ends with "name", while `a**name` needs whole directories between. */
const endsWithName = /^\*\*[^/*?[\]\\][^*?[\]\\]*$/;

function suffixTokens(parts: readonly WildcardPart[]): readonly Token[] {
  return [{ kind: "anything" }, ...parts.slice(2)];
}

const slash = { kind: "literal", character: "/" } as const;

function tokensOf(parts: readonly WildcardPart[]): readonly Token[] {
  const tokens: Token[] = [];
  for (let index = 0; index < parts.length; index += 1) {
    const part = parts[index];
    if (part?.kind === "many" && parts[index + 1]?.kind === "many") {
      index += isSlash(parts[index + 2]) ? 2 : 1;
      if (index + 1 >= parts.length) tokens.push({ kind: "anything" });
      else tokens.push({ kind: "optional" }, { kind: "anything" }, slash);
    } else if (part !== undefined) {
      tokens.push(part);
    }
  }
  return tokens;
}

function isSlash(part: WildcardPart | undefined): boolean {
  return part?.kind === "literal" && part.character === "/";
}

/** Follows all readings of the pattern at once: the time is within pattern length times path length. */
function step(tokens: readonly Token[], states: ReadonlySet<number>, character: string): Set<number> {
  const next: number[] = [];
  for (const state of states) {
    const token = tokens[state];
    switch (token?.kind) {
      case "anything":
        next.push(state);
        break;
      case "many":
        if (character !== "/") next.push(state);
        break;
      case "one":
        if (character !== "/") next.push(state + 1);
        break;
      case "literal":
        if (character === token.character) next.push(state + 1);
        break;
      case "set":
        if (token.holds(character)) next.push(state + 1);
        break;
    }
  }
  return enter(tokens, next);
}

/** The given states and those that are reached from them without a character. */
function enter(tokens: readonly Token[], pending: number[]): Set<number> {
  const states = new Set<number>();
  for (let state = pending.pop(); state !== undefined; state = pending.pop()) {
    if (states.has(state)) continue;
    states.add(state);
    const kind = tokens[state]?.kind;
    if (kind === "many" || kind === "anything" || kind === "optional") pending.push(state + 1);
    if (kind === "optional") pending.push(state + 3);
  }
  return states;
}
