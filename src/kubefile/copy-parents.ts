import { posix } from "node:path";

/**
 * Where `COPY --parents` puts a source below the destination: at its path in the build context, or, as rsync has it, at
 * what of it stands behind `/./`.
 *
 * @param written the source of the instruction
 * @param found a path that it names: itself, or a match of its wildcard
 */
export function pathWithParents(written: string, found: string): string {
  const pivot = written.indexOf("/./");
  const skipped = pivot < 0 ? 0 : componentsOf(written.slice(0, pivot)).length;
  const path = componentsOf(found).slice(skipped).join("/");
  return path === "" ? "." : path;
}

function componentsOf(path: string): string[] {
  return posix
    .normalize(`/${path}`)
    .split("/")
    .filter((component) => component !== "");
}
