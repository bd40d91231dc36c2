import { join } from "node:path";
import type { ValueTraces } from "../registry/secret-forms.ts";
import type { ChangeSet } from "./change-set.ts";
import { openRegularFile } from "./regular-file.ts";

/** What white space is to text files. */
const spaces = new Set([0x09, 0x0a, 0x0d, 0x20]);

/**
 * The paths of what was added or changed and holds a trace of one of some values: in a file's content or name, or where
 * a link leads. What was compressed or enciphered is not looked into.
 */
export async function findTraces(
  root: string,
  { added, changed }: Pick<ChangeSet, "added" | "changed">,
  values: readonly ValueTraces[],
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const plain = values.flatMap((each) => each.plain);
  const unspaced = values.flatMap((each) => each.unspaced);
  const found: string[] = [];
  for (const entry of [...added, ...changed]) {
    signal?.throwIfAborted();
    const names = Buffer.from(entry.type === "link" ? `${entry.path}\0${entry.target}` : entry.path);
    const isNamed = plain.some((trace) => names.includes(trace));
    if (isNamed || (entry.type === "file" && (await holds(join(root, entry.path), { plain, unspaced }, signal)))) {
      found.push(entry.path);
    }
  }
  return found;
}

async function holds(
  file: string,
  { plain, unspaced }: ValueTraces,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const asItIs = seeker(plain);
  const withoutSpaces = seeker(unspaced);
  for await (const chunk of await openRegularFile(file, signal)) {
    const bytes: Buffer = chunk;
    if (asItIs(bytes) || (unspaced.length > 0 && withoutSpaces(bytes.filter((byte) => !spaces.has(byte))))) return true;
  }
  return false;
}

/** Says of each piece of a stream whether a trace ends in it; what stands across pieces is found, too. */
function seeker(traces: readonly Buffer[]): (piece: Uint8Array) => boolean {
  const kept = Math.max(0, ...traces.map(({ length }) => length - 1));
  let before: Uint8Array = Buffer.alloc(0);
  return (piece) => {
    const window = Buffer.concat([before, piece]);
    before = window.subarray(Math.max(0, window.length - kept));
    return traces.some((trace) => window.includes(trace));
  };
}
