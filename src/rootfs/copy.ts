import { lstat } from "node:fs/promises";
import { join, posix } from "node:path";
import { KubefileError, type Location } from "../error.ts";
import { pathWithParents } from "../kubefile/copy-parents.ts";
import { destinationOf, rootfsPath } from "../kubefile/copy-rule.ts";
import { climbsOut, isAbsent, resolveInside } from "./contained-path.ts";
import { CopyTarget, escapingLink } from "./copy-target.ts";
import { type Exclusions, exclusionsOf } from "./exclusion.ts";
import { openLocalArchive } from "./local-archive.ts";
import { type ModeOf, modesBy, normalisedMode } from "./mode.ts";
import { atLocation, collectProblem, throwTogether } from "./problems.ts";
import { findSource, type SourceTree } from "./source-tree.ts";
import { unpack } from "./unpack.ts";
import { defaultLimits } from "./unpack-rules.ts";
import { look, walkTree } from "./walk.ts";

/** What one part of a COPY or ADD brings. */
export type CopySource =
  | {
      readonly kind: "paths";
      readonly tree: SourceTree;
      readonly paths: readonly string[];
      /** ADD: a file that is a tar (plain or gzip) is unpacked into the destination. */
      readonly unpack?: boolean;
    }
  /** A single file that lies elsewhere under another name: what was downloaded, a here-document. */
  | {
      readonly kind: "file";
      /** What it is called in the rootfs, unless the destination says it. */
      readonly name: string;
      /** Absolute path. */
      readonly file: string;
      readonly unpack?: boolean;
    };

export interface CopyOptions {
  readonly sources: readonly CopySource[];
  /** Absolute path of the rootfs. */
  readonly root: string;
  readonly destination: string;
  /** The value of `--chmod`; without it modes are normalised. */
  readonly chmod?: string;
  /** Patterns of `--exclude`. */
  readonly exclude?: readonly string[] | undefined;
  /** `--parents`: each source keeps its path. */
  readonly parents?: boolean | undefined;
  /** Where the instruction stands, for messages. */
  readonly where?: Location;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Executes a COPY or ADD whose sources are on this machine. All that is wrong with its sources is found before anything is copied,
 * and reported as one error.
 *
 * @throws KubefileError SOURCE_MISSING, PATH_ESCAPES, UNSUPPORTED, KUBEFILE_INVALID, UNSAFE_ARCHIVE
 */
export async function copyIntoRootfs(options: CopyOptions): Promise<void> {
  try {
    const operations = await planCopy(options);
    const target = new CopyTarget(options.root);
    for (const operation of operations) {
      options.signal?.throwIfAborted();
      await execute(operation, target, options);
    }
  } catch (error) {
    throw atLocation(error, options.where);
  }
}

/** What a copy does to the rootfs; `path` is relative to it, `original` absolute. */
type Operation =
  | { readonly kind: "directory"; readonly path: string; readonly mode?: number }
  | { readonly kind: "file"; readonly path: string; readonly original: string; readonly mode: number }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  | { readonly kind: "archive"; readonly path: string; readonly original: string; readonly name: string };

/** One file or directory to copy. */
type Item = FileItem | DirectoryItem;

interface FileItem {
  readonly type: "file";
  /** As written; a directory with the slash that it ends with. */
  readonly written: string;
  /** Absolute path. */
  readonly original: string;
  readonly unpack: boolean;
  /** Where it goes below the destination, when it keeps its path. */
  readonly kept?: string;
}

interface DirectoryItem {
  readonly type: "directory";
  readonly written: string;
  readonly tree: SourceTree;
  /** Relative to the tree, `""` for the tree itself. */
  readonly path: string;
  readonly kept?: string;
}

async function planCopy(options: CopyOptions): Promise<Operation[]> {
  const { root, destination } = options;
  const problems: KubefileError[] = [];
  const modeOf = await collectProblem(problems, async () => modesBy(options.chmod));
  const destinationIsDirectory = await collectProblem(problems, () => isDirectory(root, destination));
  const exclusions = await collectProblem(problems, async () => exclusionsOf(options.exclude ?? []));
  const reading = { exclusions: exclusions ?? exclusionsOf([]), parents: options.parents === true, problems };
  const items: Item[] = [];
  // One by one: a wildcard finds more than a call takes arguments.
  for (const source of options.sources) for (const item of await itemsOf(source, reading)) items.push(item);
  throwTogether(problems);
  const operations: Operation[][] = [];
  for (const item of items) {
    const { path, contents } =
      item.kept === undefined
        ? destinationOf({
            source: item.written,
            sourceIsDirectory: item.type === "directory",
            destination,
            destinationIsDirectory: destinationIsDirectory ?? false,
            sourceCount: items.length,
          })
        : { path: posix.join(rootfsPath(destination), item.kept), contents: item.type === "directory" };
    const { exclusions } = reading;
    const rules: ItemRules = { options, modeOf: modeOf ?? normalisedMode, exclusions, path, contents, problems };
    operations.push(item.type === "directory" ? await planDirectory(item, rules) : await planFile(item, rules));
  }
  throwTogether(problems);
  return operations.flat();
}

async function itemsOf(
  source: CopySource,
  { exclusions, parents, problems }: Pick<ItemRules, "exclusions" | "problems"> & { readonly parents: boolean },
): Promise<Item[]> {
  const unpack = source.unpack === true;
  if (source.kind === "file") {
    return [{ written: source.name, type: "file", original: source.file, unpack }];
  }
  const { tree, paths } = source;
  const items: Item[] = [];
  for (const name of paths) {
    const found = (await collectProblem(problems, () => findSource(tree, name))) ?? [];
    for (const each of found.filter((one) => !exclusions.leavesOut(one, name))) {
      const { written, path, type } = each;
      const kept = parents ? { kept: pathWithParents(name, written) } : {};
      if (type === "directory") items.push({ type, written, tree, path, ...kept });
      else items.push({ type, written, original: join(tree.root, path), unpack, ...kept });
    }
  }
  return items;
}

interface ItemRules {
  readonly options: CopyOptions;
  readonly modeOf: ModeOf;
  readonly exclusions: Exclusions;
  /** Where the item goes, relative to the rootfs. */
  readonly path: string;
  readonly contents: boolean;
  readonly problems: KubefileError[];
}

async function planDirectory({ tree, path: top }: DirectoryItem, rules: ItemRules): Promise<Operation[]> {
  const { modeOf, problems, exclusions } = rules;
  const base = rules.path === "." ? "" : rules.path;
  const mode = rules.contents ? {} : { mode: modeOf("directory", 0) };
  const operations: Operation[] = [{ kind: "directory", path: base, ...mode }];
  for await (const found of walkTree(tree.root, top, exclusions.below(top, tree.ignore))) {
    const path = posix.join(base, found.path.slice(top === "" ? 0 : top.length + 1));
    const mode = Number(found.stats.mode);
    switch (found.type) {
      case "directory":
        operations.push({ kind: "directory", path, mode: modeOf("directory", mode) });
        break;
      case "file":
        operations.push({ kind: "file", path, original: join(tree.root, found.path), mode: modeOf("file", mode) });
        break;
      case "link": {
        const problem = escapingLink(path, found.target);
        if (problem === undefined) operations.push({ kind: "link", path, target: found.target });
        else problems.push(problem);
        break;
      }
      case "special":
        problems.push(
          new KubefileError("UNSUPPORTED", `${JSON.stringify(found.path)} is a ${found.kind}, which cannot be copied`),
        );
        break;
    }
  }
  return operations;
}

async function planFile(item: FileItem, rules: ItemRules): Promise<Operation[]> {
  const { options, modeOf, path } = rules;
  const { original } = item;
  if (item.unpack) {
    const archive = await openLocalArchive(original, options.signal, posix.basename(item.written));
    archive?.destroy();
    if (archive !== undefined) {
      return [{ kind: "archive", path: rootfsPath(options.destination), original, name: item.written }];
    }
  }
  const { mode } = await lstat(original);
  return [{ kind: "file", path, original, mode: modeOf("file", mode) }];
}

async function execute(operation: Operation, target: CopyTarget, options: CopyOptions): Promise<void> {
  switch (operation.kind) {
    case "directory":
      await target.makeDirectory(operation.path, operation.mode);
      break;
    case "file":
      await target.addFile(operation.path, operation.original, operation.mode);
      break;
    case "link":
      await target.addLink(operation.path, operation.target);
      break;
    case "archive": {
      const base = await target.makeDirectory(operation.path);
      const archive = await openLocalArchive(operation.original, options.signal);
      if (archive === undefined) throw new KubefileError("INTERNAL", `${operation.name} changed while it was copied`);
      const modeOf = modesBy(options.chmod);
      await unpack(options.root, archive, {
        archive: operation.name,
        stripPrefix: "",
        base,
        limits: defaultLimits,
        whiteouts: false,
        modeOf: (type, _path, mode) => modeOf(type, mode),
        signal: options.signal,
      });
      break;
    }
  }
}

async function isDirectory(root: string, destination: string): Promise<boolean> {
  if (climbsOut(destination)) {
    throw new KubefileError("PATH_ESCAPES", `the destination ${JSON.stringify(destination)} is outside the rootfs`, {
      hint: "destinations are relative to the rootfs",
    });
  }
  const path = await resolveInside(root, destination, "rootfs");
  if (path === "") return true;
  try {
    return (await look(root, path)).type === "directory";
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}
