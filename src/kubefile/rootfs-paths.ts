import { posix } from "node:path";
import { type ContextFiles, type FileKind, isOutside, walkContext } from "./context-files.ts";
import { destinationOf, rootfsPath } from "./copy-rule.ts";
import { expandWord } from "./expand.ts";
import { flagIsSet, flagValue } from "./flags.ts";
import type { AddInstruction, AppInstruction, CopyInstruction, Instruction, Kubefile } from "./instruction.ts";
import { type VisibleVariables, visibleVariables } from "./visible-variables.ts";
import { hasWildcard, matchWildcard } from "./wildcard.ts";

/** What is known, before anything runs, of the paths a cluster image will hold. */
export interface RootfsPaths {
  readonly paths: ReadonlyMap<string, FileKind>;
  /** Directories whose contents nobody can list beforehand: unpacked archives, links. */
  readonly opaque: ReadonlySet<string>;
  /** True when steps may create further paths anywhere: RUN, a base image, sources that cannot be known. */
  readonly isOpen: boolean;
}

const archive = /\.(?:tar|tgz|tbz2?|txz|tar\.(?:gz|bz2|xz|zst))$/i;

/** The directory that holds an application's files. */
export function applicationDirectory(name: string): string {
  return `application/apps/${name}`;
}

/** Follows COPY, ADD, APP, CNI and CSI of the last stage through the context. */
export function rootfsPathsOf(kubefile: Kubefile, context: ContextFiles): RootfsPaths {
  const tree: Tree = { context, paths: new Map(), opaque: new Set(), isOpen: false };
  const variables = visibleVariables();
  const last = kubefile.stages.at(-1);
  if (last?.from.image.text !== "scratch") tree.isOpen = true;
  const inLast = new Set<Instruction>(last?.instructions);
  for (const instruction of kubefile.instructions) {
    variables.pass(instruction);
    if (last !== undefined && instruction !== last.from && !inLast.has(instruction)) continue;
    if (instruction.kind === "RUN") tree.isOpen = true;
    else if (instruction.kind === "COPY" || instruction.kind === "ADD") addCopy(tree, instruction, variables);
    else if (instruction.kind === "APP" || instruction.kind === "CNI" || instruction.kind === "CSI")
      addApp(tree, instruction, variables);
  }
  if (kubefile.invalid.length > 0) tree.isOpen = true;
  return tree;
}

/** The local path of an APP source, `local://charts/shop`; undefined for other schemes. */
export function localSource(source: string): string | undefined {
  return source.startsWith("local://") ? source.slice("local://".length) : undefined;
}

export function isRemote(source: string): boolean {
  return /^(?:https?:\/\/|git@|git:\/\/|ssh:\/\/)/i.test(source);
}

interface Tree {
  readonly context: ContextFiles;
  readonly paths: Map<string, FileKind>;
  readonly opaque: Set<string>;
  isOpen: boolean;
}

function addCopy(tree: Tree, instruction: CopyInstruction | AddInstruction, variables: VisibleVariables): void {
  const destination = expandWord(instruction.destination, variables.lookup);
  // What --parents makes of sources is for the build to tell.
  const isOpen = flagValue(instruction.flags, "from") !== undefined || flagIsSet(instruction.flags, "parents");
  if (destination.unknown.length > 0 || isOpen) {
    tree.isOpen = true;
    return;
  }
  const sources = instruction.sources.flatMap((word) => {
    const source = expandWord(word, variables.lookup);
    if (source.unknown.length > 0 || isRemote(source.text)) tree.isOpen = true;
    else return expandSource(tree.context, source.text);
    return [];
  });
  const count = sources.length + instruction.heredocs.length;
  for (const { name } of instruction.heredocs) placeText(tree, name, destination.text, count);
  for (const source of sources) {
    const isArchive = instruction.kind === "ADD" && archive.test(source);
    if (isArchive) tree.opaque.add(rootfsPath(destination.text));
    place(tree, source, destination.text, count);
  }
}

function addApp(tree: Tree, instruction: AppInstruction, variables: VisibleVariables): void {
  const directory = `${applicationDirectory(expandWord(instruction.name, variables.lookup).text)}/`;
  for (const word of instruction.sources) {
    const source = expandWord(word, variables.lookup);
    const local = localSource(source.text);
    if (source.unknown.length > 0 || local === undefined) tree.isOpen = true;
    else for (const path of expandSource(tree.context, local)) place(tree, path, directory, instruction.sources.length);
  }
}

/** A wildcard's matches, each with the slash that the pattern ended with. */
function expandSource(context: ContextFiles, source: string): readonly string[] {
  if (!hasWildcard(source)) return [source];
  const slash = source.endsWith("/") ? "/" : "";
  return matchWildcard(context, source).map((path) => `${path}${slash}`);
}

function place(tree: Tree, source: string, destination: string, sourceCount: number): void {
  const from = contextPath(source);
  const kind = isOutside(from) ? undefined : tree.context.exists(from);
  if (kind === undefined) {
    // Reported elsewhere; what it would have brought is not reported again as missing.
    const path = rootfsPath(destination);
    tree.opaque.add(path === "." ? posix.basename(from) : path);
    return;
  }
  const target = destinationOf({
    source,
    sourceIsDirectory: kind === "directory",
    destination,
    destinationIsDirectory: tree.paths.get(rootfsPath(destination)) === "directory",
    sourceCount,
  });
  for (const entry of walkContext(tree.context, from)) {
    const path = posix.join(target.path, below(from, entry.path));
    addParents(tree, path);
    tree.paths.set(path, entry.kind);
    const isLinked = entry.link !== undefined && entry.kind === "directory";
    if (isLinked || entry.isUnreadable === true) tree.opaque.add(path);
  }
}

/** What leads from a path to one in it; both are normalised, and there may be very many: node's `relative` takes its time. */
function below(path: string, inside: string): string {
  if (path === ".") return inside === "." ? "" : inside;
  return inside.slice(path.length + 1);
}

/** The file that a here-document becomes. */
function placeText(tree: Tree, name: string, destination: string, sourceCount: number): void {
  const { path } = destinationOf({
    source: name,
    sourceIsDirectory: false,
    destination,
    destinationIsDirectory: tree.paths.get(rootfsPath(destination)) === "directory",
    sourceCount,
  });
  addParents(tree, path);
  tree.paths.set(path, "file");
}

/** A source as a path in the context: a leading slash means the context itself, as in Docker. */
export function contextPath(source: string): string {
  const path = posix.normalize(source.replace(/^\/+/, "")).replace(/\/+$/, "");
  return path === "" ? "." : path;
}

function addParents(tree: Tree, path: string): void {
  for (let parent = posix.dirname(path); parent !== "."; parent = posix.dirname(parent))
    tree.paths.set(parent, "directory");
}
