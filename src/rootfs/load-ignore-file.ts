import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { errorMessage, KubefileError } from "../error.ts";
import { type IgnoreRules, nothingIgnored, parseIgnoreFile } from "../kubefile/ignore-file.ts";
import { isAbsent } from "./contained-path.ts";

/** The first that exists counts, alone. */
export const ignoreFiles = [".kubefileignore", ".dockerignore"] as const;

/**
 * What the ignore file at the root of a context leaves out; nothing when there is no such file.
 *
 * @param written a file, relative to the context, that builds write: never part of one, as `.kubefile/` never is
 * @throws KubefileError USAGE when it cannot be read, KUBEFILE_INVALID for malformed patterns
 */
export async function loadIgnoreFile(context: string, written?: string): Promise<IgnoreRules> {
  for (const name of ignoreFiles) {
    const text = await readText(join(context, name), name);
    if (text !== undefined) return withoutWritten(parseIgnoreFile(text, name), written);
  }
  return withoutWritten(nothingIgnored, written);
}

/** Where jobs of a CI system keep what came of them: a context is often the whole checkout. */
const RESULTS = ".kubefile";

function withoutWritten(rules: IgnoreRules, written: string | undefined): IgnoreRules {
  const isWritten = (path: string): boolean => path === written || path === RESULTS || path.startsWith(`${RESULTS}/`);
  return {
    ...rules,
    ignoredBy: (path) => (isWritten(path) ? { where: undefined, text: path } : rules.ignoredBy(path)),
  };
}

async function readText(path: string, name: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw new KubefileError("USAGE", `${name} cannot be read: ${errorMessage(error)}`, {
      hint: `make ${name} a readable file, or remove it`,
      cause: error,
    });
  }
}
