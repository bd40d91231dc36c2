import { lstat, readlink } from "node:fs/promises";
import { isAbsolute, join, posix, relative } from "node:path";
import { KubefileError } from "../error.ts";

/** As many links as Linux follows in one path. */
const MAX_LINKS = 40;

/** Whether a written path, read from the root (a leading slash means the root), climbs above it. */
export function climbsOut(path: string): boolean {
  const normal = posix.normalize(`./${path}`);
  return normal === ".." || normal.startsWith("../");
}

/** Whether a path is outside of a directory, as both are written. */
export function isOutside(directory: string, path: string): boolean {
  const way = relative(directory, path);
  return climbsOut(way) || isAbsolute(way);
}

/**
 * Why a link at `path` (relative to the rootfs, slashes) may lead out of the rootfs; undefined when it cannot.
 *
 * Only a target's first components may climb: from there on every name is either real or a link that was judged
 * itself, so no chain of harmless links adds up to a way out. `a/../b` could, when `a` is a link.
 */
export function linkEscape(path: string, target: string): string | undefined {
  if (target === "") return "has no target";
  if (target.startsWith("/")) return `is absolute (${JSON.stringify(target)})`;
  const components = target.split("/").filter((component) => component !== "" && component !== ".");
  const firstName = components.findIndex((component) => component !== "..");
  const climbs = firstName === -1 ? components.length : firstName;
  if (climbs > path.split("/").length - 1) return `leads out (${JSON.stringify(target)})`;
  if (components.slice(climbs).includes("..")) return `climbs after a name (${JSON.stringify(target)})`;
  return undefined;
}

/**
 * Follows the links of `path` below `root` and returns the real path relative to it, `""` for the root itself. The
 * last components need not exist. Nothing outside is ever looked at.
 *
 * @throws KubefileError PATH_ESCAPES when the path or one of its links leads out; `tree` names the root in the message.
 */
export async function resolveInside(root: string, path: string, tree: string): Promise<string> {
  const escapes = (why: string): KubefileError =>
    new KubefileError("PATH_ESCAPES", `${JSON.stringify(path)} leads out of the ${tree}: ${why}`, {
      hint: `only what is inside the ${tree} can be used; replace the link by the file, or make it relative`,
    });
  const pending = path.split("/").reverse();
  const resolved: string[] = [];
  let links = 0;
  for (let component = pending.pop(); component !== undefined; component = pending.pop()) {
    if (component === "" || component === ".") continue;
    if (component === "..") {
      if (resolved.pop() === undefined) throw escapes("it climbs above it");
      continue;
    }
    const here = [...resolved, component].join("/");
    const target = await linkTarget(join(root, here));
    if (target === undefined) {
      resolved.push(component);
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) throw escapes(`the link ${JSON.stringify(here)} goes round in circles`);
    if (target.startsWith("/")) throw escapes(`the link ${JSON.stringify(here)} is absolute (${target})`);
    const rest = target.split("/");
    if (climbsOut(posix.join(...resolved, target))) {
      throw escapes(`the link ${JSON.stringify(here)} leads to ${JSON.stringify(target)}`);
    }
    pending.push(...rest.reverse());
  }
  return resolved.join("/");
}

async function linkTarget(path: string): Promise<string | undefined> {
  try {
    const found = await lstat(path);
    return found.isSymbolicLink() ? await readlink(path) : undefined;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** Whether a file system call failed because there is no such file. */
export function isAbsent(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}
