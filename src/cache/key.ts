import type { CacheKey } from "./types.ts";

/** Hexadecimal digits of a key. */
export const KEY_LENGTH = 64;

/** How a key is shortened in messages and lists. */
const SHOWN_LENGTH = 12;

export function isCacheKey(text: string): text is CacheKey {
  return text.length === KEY_LENGTH && /^[0-9a-f]+$/.test(text);
}

/** Enough of a key to tell it from others. */
export function shownKey(key: CacheKey): string {
  return key.slice(0, SHOWN_LENGTH);
}
