/** The first of several findings, and how many there are besides; undefined for none. */
export function inShort([first, ...others]: readonly string[]): string | undefined {
  if (first === undefined || others.length === 0) return first;
  return `${first}, and ${others.length} more`;
}
