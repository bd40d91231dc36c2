import { parseImageBuilds } from "../builders/parse-image-build.ts";
import { builderNames } from "../builders/types.ts";
import type { BuildOptions } from "../pipeline/options.ts";
import type { ProjectFile } from "../plan/project-file.ts";
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
 * may bring names nothing outside of the project: of the working directory, or of the context where that is elsewhere.
 */
export function imageBuilds(
  flags: ValuesOf<typeof imageInputs>,
  project: ProjectFile,
  cwd: string,
  directory: string,
): Pick<BuildOptions, "imageBuilds" | "imagesWithin" | "builder" | "kanikoImage"> {
  const within = flags.buildImage !== undefined ? undefined : directory.startsWith(`${cwd}/`) ? cwd : directory;
  return {
    imageBuilds:
      flags.buildImage === undefined
        ? parseImageBuilds(project.buildImage ?? [], { directory, within })
        : parseImageBuilds(flags.buildImage, { directory: cwd }),
    imagesWithin: within,
    builder: flags.builder ?? project.builder ?? "buildkit",
    kanikoImage: flags.kanikoImage ?? project.kanikoImage,
  };
}
