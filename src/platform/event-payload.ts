import { readFile } from "node:fs/promises";

/** The event of a GitHub job (GITHUB_EVENT_PATH); undefined when there is none that can be read. */
export async function readEventPayload(path: string | undefined): Promise<unknown> {
  if (path === undefined) return undefined;
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch {
    return undefined;
  }
}

/** The text below some keys of a payload; undefined when something else is there, or nothing. */
export function textAt(value: unknown, path: readonly string[]): string | undefined {
  let current = value;
  for (const key of path) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, key)) return undefined;
    current = Reflect.get(current, key);
  }
  return typeof current === "string" ? current : undefined;
}
