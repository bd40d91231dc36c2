import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { parseImageBuilds } from "../builders/parse-image-build.ts";
import { builderNames } from "../builders/types.ts";
import { parseReference } from "../oci/reference.ts";
import type { BuildOptions } from "../pipeline/options.ts";
import type { ProjectFile } from "../plan/project-file.ts";
import { shownPath } from "./input-values.ts";
import type { Inputs, ValuesOf } from "./inputs.ts";

/** Images of the launch that are built from Dockerfiles of the same commit. */
export const imageInputs = {
  buildImage: {
    kind: "list",
    value: "spec",
    jobName: "build-images",
    help: "build an image that the launch names, from a Dockerfile: ref=NAME,context=DIRECTORY[,file=DOCKERFILE][,target=STAGE][,arg.NAME=VALUE]",
  },
  builder: {
    kind: "choice",
    value: "name",
    choices: builderNames,
    default: "buildkit",
    help: "what builds those images",
  },
  kanikoImage: {
    kind: "text",
    value: "image",
    help: "the image of kaniko's executor, for --builder kaniko",
  },
} as const satisfies Inputs;

/**
 * Paths of flags start at the working directory, those of `kubefile.yaml` at the context. A file that a stranger's change
 * may bring names nothing outside of the checkout that it is part of.
 */
export async function imageBuilds(
  flags: ValuesOf<typeof imageInputs>,
  project: ProjectFile,
  cwd: string,
  { directory, checkout }: { readonly directory: string; readonly checkout: string },
): Promise<Pick<BuildOptions, "imageBuilds" | "builder" | "kanikoImage">> {
  const builds =
    flags.buildImage === undefined
      ? parseImageBuilds(project.buildImage ?? [], { directory: await realpath(directory), within: checkout })
      : parseImageBuilds(flags.buildImage, { directory: cwd });
  return {
    // Annotations of CI systems are put at paths from the working directory.
    imageBuilds: builds.map((each) => ({ ...each, shown: shownPath(join(each.context, each.dockerfile), cwd) })),
    builder: flags.builder ?? project.builder ?? "buildkit",
    kanikoImage: imageName(flags.kanikoImage ?? project.kanikoImage),
  };
}

/** An image's name, which it must be: the engine would take other words of a file that strangers may change for flags. */
function imageName(text: string | undefined): string | undefined {
  if (text !== undefined) parseReference(text);
  return text;
}
