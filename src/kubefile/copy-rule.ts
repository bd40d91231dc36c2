import { posix } from "node:path";

/** One source of a COPY or ADD, after wildcards were expanded, together with what is known of both ends. */
export interface CopyOperand {
  /** The source as written; for a wildcard, the matching path with the trailing slash of the pattern, if it had one. */
  readonly source: string;
  readonly sourceIsDirectory: boolean;
  /** The destination as written. */
  readonly destination: string;
  /** Whether the rootfs already holds a directory at the destination. */
  readonly destinationIsDirectory: boolean;
  /** How many sources the instruction has once wildcards are expanded. */
  readonly sourceCount: number;
}

/** Where a source goes in the rootfs. */
export interface CopyTarget {
  /** Relative to the rootfs, no leading or trailing slash, never above it; `.` is the rootfs itself. */
  readonly path: string;
  /** True: the entries of the source directory go into the directory `path`. False: the source itself becomes `path`. */
  readonly contents: boolean;
}

/**
 * Where one source of a COPY or ADD goes (docs/adr/0001-copy-directory-rule.md).
 *
 * A directory written without a trailing slash and copied to the root of the rootfs keeps its name. In every other
 * case Docker's rule holds: a directory's contents go into the destination; a file goes into a destination that is a
 * directory, ends with a slash or takes several sources, and otherwise becomes the destination.
 */
export function destinationOf(operand: CopyOperand): CopyTarget {
  const destination = rootfsPath(operand.destination);
  const name = posix.basename(posix.normalize(`/${operand.source}`));
  if (operand.sourceIsDirectory) {
    const keepsName = destination === "." && name !== "" && namesDirectoryItself(operand.source);
    return keepsName ? { path: name, contents: false } : { path: destination, contents: true };
  }
  const intoDirectory =
    destination === "." ||
    operand.destinationIsDirectory ||
    operand.sourceCount > 1 ||
    /(^|\/)\.{0,2}$/.test(operand.destination);
  return { path: intoDirectory ? posix.join(destination, name) : destination, contents: false };
}

/** A path as written in a Kubefile, as a path relative to the rootfs: `/a/../b/` is `b`, the root is `.`. */
export function rootfsPath(written: string): string {
  const path = posix.normalize(`/${written}`).replace(/^\/+|\/+$/g, "");
  return path === "" ? "." : path;
}

/** `etc` and `a/etc` name a directory; `etc/`, `.`, `etc/.` and `..` name what is in it. */
function namesDirectoryItself(source: string): boolean {
  return !/(^|\/)\.{0,2}$/.test(source);
}
