/**
 * JSON with one spelling: keys sorted by code unit at every depth, no white space. Equal values give equal bytes, so
 * digests of what we write do not depend on the order in which it was put together.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, entry: unknown) =>
    typeof entry === "object" && entry !== null && !Array.isArray(entry)
      ? Object.fromEntries(Object.entries(entry).sort(([left], [right]) => (left < right ? -1 : 1)))
      : entry,
  );
}
