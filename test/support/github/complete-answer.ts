import { type Schema, schemaAt } from "./description.ts";

/**
 * What a fake knows of an answer, with everything else that GitHub's description demands of it: whoever reads it meets
 * all that GitHub sends, not only what they look for.
 */
export function completeAnswer(schema: Schema, known: unknown): unknown {
  const found = schemaAt(schema);
  if (found !== undefined) return completeAnswer(found, known);
  const { anyOf, oneOf, enum: choices, type, format, items, properties = {}, required = [] } = schema;
  const branches = anyOf ?? oneOf;
  if (branches !== undefined) {
    const mayBeNull = branches.some((each) => each.type === "null");
    // The last one is that of strangers: the public facts of an account.
    const other = branches.filter((each) => each.type !== "null").at(-1);
    return (mayBeNull && (known ?? null) === null) || other === undefined ? null : completeAnswer(other, known);
  }
  if (Array.isArray(known))
    return known.map((each: unknown) => (items === undefined ? each : completeAnswer(items, each)));
  if (type === "object" || Object.keys(properties).length > 0) {
    if (known !== undefined && (typeof known !== "object" || known === null)) return known;
    const given: Readonly<Record<string, unknown>> = { ...known };
    const keys = new Set([...required, ...Object.keys(given)]);
    return Object.fromEntries(
      [...keys].map((key) => {
        const property = properties[key];
        return [key, property === undefined ? given[key] : completeAnswer(property, given[key])];
      }),
    );
  }
  if (known !== undefined) return known;
  if (choices !== undefined) return choices[0];
  if (type === "string") return format === undefined ? "" : (texts[format] ?? "");
  return { integer: 1, number: 1, boolean: false, array: [] }[type ?? ""] ?? null;
}

const texts: Readonly<Record<string, string>> = {
  uri: "https://github.example/",
  "date-time": "2026-01-01T00:00:00Z",
  email: "nobody@github.example",
};
