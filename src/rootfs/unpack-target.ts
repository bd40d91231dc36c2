import { constants, type Stats } from "node:fs";
import { chmod, copyFile, lstat, mkdir, symlink } from "node:fs/promises";
import { join, posix } from "node:path";
import type { Header } from "tar-stream";
import { KubefileError } from "../error.ts";
import { type ArchiveMember, readMember, unsafeEntry } from "./archive-member.ts";
import { isAbsent } from "./contained-path.ts";
import { writeNewFile } from "./regular-file.ts";
import type { UnpackRules } from "./unpack-rules.ts";
import { hiddenName, OPAQUE_WHITEOUT, removeLower, removeLowerChildren, WHITEOUT_PREFIX } from "./whiteout.ts";

/** The directory an archive goes into, and what has come so far. */
export class UnpackTarget {
  readonly #root: string;
  readonly #rules: UnpackRules;
  /** Type of every path that the archive made, also of directories that it only implied. */
  readonly #made = new Map<string, "file" | "directory" | "link">();
  /** Directories known to be real, so that each is looked at once. */
  readonly #real = new Set<string>([""]);
  #entries = 0;
  #bytes = 0;

  constructor(root: string, rules: UnpackRules) {
    this.#root = root;
    this.#rules = rules;
  }

  /** Passes the archive's bytes on, up to the limit. */
  async *counted(chunks: AsyncIterable<string | Buffer>): AsyncGenerator<string | Buffer> {
    for await (const chunk of chunks) {
      this.#count(chunk.length);
      yield chunk;
    }
  }

  /** Puts one entry into the tree. */
  async add(header: Header, content: AsyncIterable<Uint8Array>): Promise<void> {
    const { limits, archive, onRefused } = this.#rules;
    this.#entries += 1;
    if (this.#entries > limits.entries) {
      throw new KubefileError("UNSAFE_ARCHIVE", `${archive} has more than ${limits.entries} entries`);
    }
    try {
      const member = readMember(header, { ...this.#rules, maxPathBytes: limits.pathBytes });
      if (member === undefined) return;
      if (this.#rules.whiteouts && (await this.#applyWhiteout(member.path))) return;
      await this.#place(member, content);
    } catch (error) {
      if (onRefused === undefined || !(error instanceof KubefileError) || error.code !== "UNSAFE_ARCHIVE") throw error;
      onRefused(error);
    }
  }

  async #place(member: ArchiveMember, content: AsyncIterable<Uint8Array>): Promise<void> {
    const { path } = member;
    await this.#makeParents(path);
    const type = member.type === "hard link" ? "file" : member.type;
    const earlier = this.#made.get(path);
    if (earlier !== undefined && (earlier !== type || type === "link")) {
      throw this.#unsafe(path, `is there twice, first as a ${earlier} and then as a ${member.type}`);
    }
    const source = member.type === "hard link" ? await this.#hardLinkSource(member) : undefined;
    const existing = await this.#look(path);
    const staysDirectory = existing?.isDirectory() === true && type === "directory";
    if (existing !== undefined && !staysDirectory) await this.#remove(path);
    this.#made.set(path, type);
    const absolute = join(this.#root, path);
    switch (member.type) {
      case "directory":
        await this.#makeDirectory(path, this.#rules.modeOf("directory", path, member.mode), staysDirectory);
        break;
      case "file":
        await writeNewFile(absolute, content, this.#rules.modeOf("file", path, member.mode));
        break;
      case "link":
        await symlink(member.target, absolute);
        break;
      case "hard link":
        // A copy, because a later step that changes one name must not change the other.
        if (source !== undefined) await copyFile(source, absolute, constants.COPYFILE_EXCL);
        break;
    }
  }

  /** Makes what is missing of the directories above `path`, and refuses to pass through anything else. */
  async #makeParents(path: string): Promise<void> {
    const parent = directoryOf(path);
    if (this.#real.has(parent)) return;
    await this.#makeParents(parent);
    const existing = await this.#look(parent);
    if (existing !== undefined && !existing.isDirectory()) {
      const kind = existing.isSymbolicLink() ? "link" : "file";
      throw this.#unsafe(path, `goes through the ${kind} ${JSON.stringify(parent)}`);
    }
    if (existing === undefined) await this.#makeDirectory(parent, 0o755, false);
    this.#real.add(parent);
    this.#made.set(parent, "directory");
  }

  async #makeDirectory(path: string, mode: number, exists: boolean): Promise<void> {
    const absolute = join(this.#root, path);
    if (!exists) await mkdir(absolute, { mode: 0o700 });
    await chmod(absolute, mode);
    this.#real.add(path);
  }

  /** The file that a hard link names: a regular one, reached through real directories only. */
  async #hardLinkSource(member: ArchiveMember & { type: "hard link" }): Promise<string> {
    const { path, source } = member;
    for (let parent = directoryOf(source); parent !== ""; parent = directoryOf(parent)) {
      if (this.#real.has(parent) || (await this.#look(parent))?.isDirectory() === true) continue;
      throw this.#unsafe(path, `is a hard link through ${JSON.stringify(parent)}, which is not a directory`);
    }
    const found = await this.#look(source);
    if (found?.isFile() !== true || source === path) {
      throw this.#unsafe(path, `is a hard link to ${JSON.stringify(source)}, which is no other file of the tree`);
    }
    this.#count(found.size);
    return join(this.#root, source);
  }

  /** OCI image-spec, layer.md, "Whiteouts". */
  async #applyWhiteout(path: string): Promise<boolean> {
    const name = posix.basename(path);
    if (!name.startsWith(WHITEOUT_PREFIX)) return false;
    const directory = directoryOf(path);
    const isMade = (candidate: string): boolean => this.#made.has(candidate);
    if (name === OPAQUE_WHITEOUT) {
      await this.#makeParents(path);
      await removeLowerChildren(this.#root, directory, isMade);
    } else {
      const hidden = hiddenName(name, (why) => this.#unsafe(path, why));
      if (hidden !== undefined) {
        await this.#makeParents(path);
        await removeLower(this.#root, posix.join(directory, hidden), isMade);
      }
    }
    this.#forgetDirectories();
    return true;
  }

  async #remove(path: string): Promise<void> {
    await removeLower(this.#root, path, () => false);
    this.#forgetDirectories();
  }

  #forgetDirectories(): void {
    this.#real.clear();
    this.#real.add("");
  }

  async #look(path: string): Promise<Stats | undefined> {
    try {
      return await lstat(join(this.#root, path));
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    const limit = this.#rules.limits.bytes;
    if (this.#bytes > limit) {
      throw new KubefileError("UNSAFE_ARCHIVE", `${this.#rules.archive} unpacks to more than ${limit} bytes`);
    }
  }

  #unsafe(path: string, why: string): KubefileError {
    return unsafeEntry(this.#rules.archive, path, why);
  }
}

/** The directory that holds `path`, `""` for the root. */
function directoryOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash === -1 ? "" : path.slice(0, slash);
}
