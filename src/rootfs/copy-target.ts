import { constants, type Stats } from "node:fs";
import { chmod, copyFile, lstat, mkdir, symlink, unlink } from "node:fs/promises";
import { join, posix } from "node:path";
import { KubefileError } from "../error.ts";
import { isAbsent, linkEscape, resolveInside } from "./contained-path.ts";

/** The rootfs as a copy changes it: links that are already there are followed within it, never out of it. */
export class CopyTarget {
  readonly #root: string;
  /** Real paths of directories by the path that was asked for. */
  readonly #directories = new Map<string, string>();

  constructor(root: string) {
    this.#root = root;
  }

  /** Makes a directory and those above it, and returns its real path; `mode` is for that directory itself. */
  async makeDirectory(path: string, mode?: number): Promise<string> {
    const known = this.#directories.get(path);
    const real = known ?? (await this.#makeReal(await resolveInside(this.#root, path, "rootfs")));
    this.#directories.set(path, real);
    if (mode !== undefined && real !== "") await chmod(join(this.#root, real), mode);
    return real;
  }

  /** Copies a file's content; the copy shares nothing with the original. */
  async addFile(path: string, original: string, mode: number): Promise<void> {
    const absolute = join(this.#root, await this.#clear(path, "file"));
    await copyFile(original, absolute, constants.COPYFILE_EXCL);
    await chmod(absolute, mode);
  }

  /** @throws KubefileError PATH_ESCAPES when the link would lead out of the rootfs from where it really is. */
  async addLink(path: string, target: string): Promise<void> {
    const real = await this.#clear(path, "link");
    const problem = escapingLink(real, target);
    if (problem !== undefined) throw problem;
    await symlink(target, join(this.#root, real));
  }

  async #makeReal(real: string): Promise<string> {
    const components = real.split("/").filter((component) => component !== "");
    for (const [index] of components.entries()) {
      const path = components.slice(0, index + 1).join("/");
      const existing = await this.#look(path);
      if (existing?.isDirectory() === true) continue;
      if (existing !== undefined) throw conflict("directory", path, "file");
      await mkdir(join(this.#root, path));
      await chmod(join(this.#root, path), 0o755);
    }
    return real;
  }

  /** Makes room for a new file or link and returns its real path. */
  async #clear(path: string, kind: string): Promise<string> {
    const real = posix.join(await this.makeDirectory(posix.dirname(path)), posix.basename(path));
    const existing = await this.#look(real);
    if (existing?.isDirectory() === true) throw conflict(kind, real, "directory");
    if (existing !== undefined) await unlink(join(this.#root, real));
    return real;
  }

  async #look(path: string): Promise<Stats | undefined> {
    try {
      return await lstat(join(this.#root, path));
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }
}

/** The error for a link at `path` of the rootfs that would lead out of it. */
export function escapingLink(path: string, target: string): KubefileError | undefined {
  const fault = linkEscape(path, target);
  if (fault === undefined) return undefined;
  return new KubefileError("PATH_ESCAPES", `the link ${JSON.stringify(path)} ${fault}`, {
    hint: "a link of the rootfs must be relative and stay inside; copy the file that it means instead",
  });
}

function conflict(kind: string, path: string, existing: string): KubefileError {
  return new KubefileError("KUBEFILE_INVALID", `a ${kind} cannot replace the ${existing} ${JSON.stringify(path)}`, {
    hint: "give it another destination",
  });
}
