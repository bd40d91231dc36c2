// Objects of the API server and of files are data of unknown shape: these readers look, and never assume.
import { isRecord, type JsonRecord } from "../oci/json-record.ts";

export function fieldAt(value: unknown, ...path: readonly string[]): unknown {
  let current = value;
  for (const name of path) {
    if (!isRecord(current) || !Object.hasOwn(current, name)) return undefined;
    current = current[name];
  }
  return current;
}

export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = fieldAt(value, ...path);
  return typeof found === "string" ? found : undefined;
}

export function numberAt(value: unknown, ...path: readonly string[]): number | undefined {
  const found = fieldAt(value, ...path);
  return typeof found === "number" ? found : undefined;
}

/** The records of a list; anything else in it is left out. */
export function recordsAt(value: unknown, ...path: readonly string[]): readonly JsonRecord[] {
  return listAt(value, ...path).filter(isRecord);
}

export function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = fieldAt(value, ...path);
  return Array.isArray(found) ? found : [];
}

export function textsAt(value: unknown, ...path: readonly string[]): readonly string[] {
  return listAt(value, ...path).filter((entry) => typeof entry === "string");
}
