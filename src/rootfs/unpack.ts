import { readEntries } from "./read-entries.ts";
import type { UnpackRules } from "./unpack-rules.ts";
import { UnpackTarget } from "./unpack-target.ts";

/**
 * Unpacks a tar, which may be hostile, into the real directory `root`. Nothing is written through a link and no link
 * leads out. When it throws, part of the archive is there.
 *
 * @throws KubefileError UNSAFE_ARCHIVE naming the entry.
 */
export async function unpack(root: string, tar: NodeJS.ReadableStream, rules: UnpackRules): Promise<void> {
  const target = new UnpackTarget(root, rules);
  await readEntries(
    tar,
    {
      archive: rules.archive,
      counted: (chunks) => target.counted(chunks),
      entry: (header, content) => target.add(header, content),
    },
    rules.signal,
  );
}
