import { join, posix } from "node:path";
import { KubefileError, type Location } from "../error.ts";
import { destinationOf, rootfsPath } from "../kubefile/copy-rule.ts";
import type { IgnoreRules } from "../kubefile/ignore-file.ts";
import { climbsOut, isAbsent, resolveInside } from "./contained-path.ts";
import { type ContextSource, findSource } from "./context-source.ts";
import { CopyTarget, escapingLink } from "./copy-target.ts";
import { openLocalArchive } from "./local-archive.ts";
import { normalisedMode, parseChmod, requestedMode } from "./mode.ts";
import { atLocation, collectProblem, throwTogether } from "./problems.ts";
import { unpack } from "./unpack.ts";
import { defaultLimits } from "./unpack-rules.ts";
import { look, walkTree } from "./walk.ts";

export interface CopyOptions {
  /** Absolute path of the directory that sources are in. */
  readonly context: string;
  /** What is left out of the context. */
  readonly ignore?: IgnoreRules;
  /** Absolute path of the rootfs. */
  readonly root: string;
  readonly sources: readonly string[];
  readonly destination: string;
  /** The value of `--chmod`; without it modes are normalised. */
  readonly chmod?: string;
  /** ADD: a file that is a tar (plain or gzip) is unpacked into the destination. */
  readonly unpackArchives?: boolean;
  /** Where the instruction stands, for messages. */
  readonly where?: Location;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Executes a COPY, or an ADD of local files. All that is wrong with its sources is found before anything is copied,
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

/** What a copy does to the rootfs; `path` is relative to it, `original` to the context. */
type Operation =
  | { readonly kind: "directory"; readonly path: string; readonly mode?: number }
  | { readonly kind: "file"; readonly path: string; readonly original: string; readonly mode: number }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  | { readonly kind: "archive"; readonly path: string; readonly original: string };

async function planCopy(options: CopyOptions): Promise<Operation[]> {
  const { context, root, destination, ignore } = options;
  const problems: KubefileError[] = [];
  const modeOf = await collectProblem(problems, async () => modesBy(options.chmod));
  const destinationIsDirectory = await collectProblem(problems, () => isDirectory(root, destination));
  const sources: ContextSource[] = [];
  for (const written of options.sources) {
    sources.push(...((await collectProblem(problems, () => findSource(context, written, ignore))) ?? []));
  }
  throwTogether(problems);
  const operations: Operation[][] = [];
  for (const source of sources) {
    const { path, contents } = destinationOf({
      source: source.written,
      sourceIsDirectory: source.type === "directory",
      destination,
      destinationIsDirectory: destinationIsDirectory ?? false,
      sourceCount: sources.length,
    });
    const rules: SourceRules = { options, modeOf: modeOf ?? normalisedMode, path, contents, problems };
    operations.push(source.type === "directory" ? await planDirectory(source, rules) : await planFile(source, rules));
  }
  throwTogether(problems);
  return operations.flat();
}

type ModeOf = (type: "file" | "directory", mode: number) => number;

interface SourceRules {
  readonly options: CopyOptions;
  readonly modeOf: ModeOf;
  /** Where the source goes, relative to the rootfs. */
  readonly path: string;
  readonly contents: boolean;
  readonly problems: KubefileError[];
}

async function planDirectory(source: ContextSource, rules: SourceRules): Promise<Operation[]> {
  const { options, modeOf, problems } = rules;
  const base = rules.path === "." ? "" : rules.path;
  const top = rules.contents ? {} : { mode: modeOf("directory", 0) };
  const operations: Operation[] = [{ kind: "directory", path: base, ...top }];
  for await (const found of walkTree(options.context, source.path, options.ignore)) {
    const path = posix.join(base, found.path.slice(source.path === "" ? 0 : source.path.length + 1));
    const mode = Number(found.stats.mode);
    switch (found.type) {
      case "directory":
        operations.push({ kind: "directory", path, mode: modeOf("directory", mode) });
        break;
      case "file":
        operations.push({ kind: "file", path, original: found.path, mode: modeOf("file", mode) });
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

async function planFile(source: ContextSource, rules: SourceRules): Promise<Operation[]> {
  const { options, modeOf, path } = rules;
  const original = source.path;
  if (options.unpackArchives === true) {
    const archive = await openLocalArchive(join(options.context, original), options.signal);
    archive?.destroy();
    if (archive !== undefined) return [{ kind: "archive", path: rootfsPath(options.destination), original }];
  }
  const { stats } = await look(options.context, original);
  return [{ kind: "file", path, original, mode: modeOf("file", Number(stats.mode)) }];
}

async function execute(operation: Operation, target: CopyTarget, options: CopyOptions): Promise<void> {
  switch (operation.kind) {
    case "directory":
      await target.makeDirectory(operation.path, operation.mode);
      break;
    case "file":
      await target.addFile(operation.path, join(options.context, operation.original), operation.mode);
      break;
    case "link":
      await target.addLink(operation.path, operation.target);
      break;
    case "archive": {
      const base = await target.makeDirectory(operation.path);
      const archive = await openLocalArchive(join(options.context, operation.original), options.signal);
      if (archive === undefined)
        throw new KubefileError("INTERNAL", `${operation.original} changed while it was copied`);
      const modeOf = modesBy(options.chmod);
      await unpack(options.root, archive, {
        archive: operation.original,
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

function modesBy(chmod: string | undefined): ModeOf {
  if (chmod === undefined) return normalisedMode;
  const requested = parseChmod(chmod);
  return (type) => requestedMode(type, requested);
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
