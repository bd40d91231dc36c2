import { mkdtemp, writeFile } from "node:fs/promises";
import { join, posix } from "node:path";
import { KubefileError } from "../error.ts";
import type { IgnoreRules } from "../kubefile/ignore-file.ts";
import type { CopyStep, ResolvedInput, StepSource } from "../plan/step.ts";
import { type CopySource, copyIntoRootfs } from "../rootfs/copy.ts";
import { atLocation } from "../rootfs/problems.ts";
import { removeTree } from "../rootfs/remove-tree.ts";
import type { SourceTree } from "../rootfs/source-tree.ts";
import type { RootfsWorkspace } from "../rootfs/workspace.ts";
import type { GitSources } from "./git-sources.ts";
import type { ImageSources } from "./image-sources.ts";
import type { WebSources } from "./web-sources.ts";

export interface CopyWork {
  readonly workspace: RootfsWorkspace;
  /** Absolute path of the build context. */
  readonly context: string;
  readonly ignore: IgnoreRules;
  /** The finished rootfs of an earlier stage, by its position in the plan. */
  readonly stageTree: (position: number) => Promise<SourceTree>;
  readonly images: ImageSources;
  readonly web: WebSources;
  readonly git: GitSources;
  /** Absolute path of a directory for files that only the run needs. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

/** Executes a COPY or ADD on the rootfs; `inputs` are what its sources stand for, one each. */
export async function copyStep(step: CopyStep, inputs: readonly ResolvedInput[], work: CopyWork): Promise<void> {
  const temporary = await mkdtemp(join(work.directory, "copy-"));
  try {
    const sources: CopySource[] = [];
    for (const [index, source] of step.sources.entries()) {
      sources.push(
        await materialise(source, inputs[index], {
          ...work,
          runDirectory: work.directory,
          directory: join(temporary, String(index)),
        }),
      );
    }
    await copyIntoRootfs({
      sources,
      root: work.workspace.root,
      destination: step.destination,
      ...(step.chmod === undefined ? {} : { chmod: step.chmod }),
      exclude: step.exclude,
      parents: step.parents,
      where: step.where,
      signal: work.signal,
    });
  } catch (error) {
    throw atLocation(error, step.where);
  } finally {
    await removeTree(temporary);
  }
}

/** Brings a source onto this machine. `directory` does not exist yet and belongs to this source alone. */
async function materialise(
  source: StepSource,
  input: ResolvedInput | undefined,
  {
    context,
    ignore,
    stageTree,
    images,
    web,
    git,
    runDirectory,
    directory,
    signal,
  }: CopyWork & { readonly runDirectory: string },
): Promise<CopySource> {
  switch (source.kind) {
    case "context":
      return {
        kind: "paths",
        tree: { root: context, name: "context", ignore },
        paths: source.paths,
        unpack: source.unpack,
      };
    case "stage":
      return { kind: "paths", tree: await stageTree(source.stage), paths: source.paths };
    case "text": {
      await writeFile(directory, source.text);
      return { kind: "file", name: source.name, file: directory };
    }
    case "image":
      return {
        kind: "paths",
        tree: await images.tree(source.reference, runDirectory, { signal }),
        paths: source.paths,
      };
    case "url":
      return {
        kind: "file",
        name: fileNameOf(source.url),
        file: await web.fetch(source, { signal }),
        unpack: source.unpack,
      };
    case "git": {
      if (input?.kind !== "git") throw new KubefileError("INTERNAL", `${source.url} was not resolved`);
      const tree = await git.fetch(source, input.commit, directory, { signal });
      return { kind: "paths", tree, paths: ["."] };
    }
    default:
      return source satisfies never;
  }
}

/** The last part of an address's path, which names the file in a directory. */
function fileNameOf(url: string): string {
  const { pathname } = new URL(url);
  const name = posix.basename(decodeURIComponent(pathname));
  if (name !== "" && name !== "." && name !== ".." && !name.includes("\0")) return name;
  throw new KubefileError("KUBEFILE_INVALID", `the address ${url} names no file`, {
    hint: "write an address whose path ends with a file's name",
  });
}
