/** A reference for a table's cell: a digest in it is cut to what tells it from others. */
export function shortReference(reference: string): string {
  return reference.replace(/@sha256:([0-9a-f]{12})[0-9a-f]+$/, "@$1…");
}
