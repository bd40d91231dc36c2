import { isAbsolute, posix, resolve } from "node:path";
import { errorMessage, KubefileError } from "../error.ts";
import { didYouMean, nearest } from "../kubefile/nearest.ts";
import { parseReference, type Reference } from "../oci/reference.ts";
import { isOutside } from "../rootfs/contained-path.ts";
import type { ImageBuild } from "./types.ts";

const FLAG = "--build-image";
const example = `write ${FLAG} ref=REGISTRY/NAME:TAG,context=DIRECTORY[,file=DOCKERFILE][,target=STAGE][,arg.NAME=VALUE]`;
const fieldNames = ["ref", "context", "file", "target"];

interface Problem {
  readonly message: string;
  readonly hint: string;
}

export interface ImageBuildPlace {
  /** What relative paths are relative to. */
  readonly directory: string;
  /** What no context may lead out of; anything goes when absent. */
  readonly within?: string | undefined;
}

/**
 * Reads what `--build-image` or `buildImage` of `kubefile.yaml` say. Links are followed later: that a context is a
 * directory, and where it really is, only the machine can tell.
 *
 * @throws KubefileError USAGE with every problem
 */
export function parseImageBuilds(texts: readonly string[], place: ImageBuildPlace): readonly ImageBuild[] {
  const read = texts.map((text) => parseImageBuild(text, place));
  const builds = read.flatMap((each) => ("hint" in each ? [] : [each]));
  const problems = [...read.flatMap((each) => ("hint" in each ? [each] : [])), ...twice(builds)];
  const [first] = problems;
  if (first === undefined) return builds;
  throw new KubefileError("USAGE", problems.map(({ message }) => message).join("\n  "), { hint: first.hint });
}

function parseImageBuild(text: string, { directory, within }: ImageBuildPlace): ImageBuild | Problem {
  const problem = (why: string, hint = example): Problem => ({
    message: `${FLAG} ${JSON.stringify(text.slice(0, 300))}: ${why}`,
    hint,
  });
  const fields = new Map<string, string>();
  const values = new Map<string, string>();
  for (const field of text.split(",")) {
    const [, name = "", value = ""] = /^([^=]+)=(.*)$/s.exec(field) ?? [];
    if (name === "") return problem(`${JSON.stringify(field)} is not NAME=VALUE`);
    const argument = /^arg\.(.*)$/s.exec(name)?.[1];
    if (argument !== undefined && !/^[A-Za-z_]\w*$/.test(argument)) {
      return problem(`${JSON.stringify(argument)} is not the name of an ARG`);
    }
    const known = argument === undefined ? fields : values;
    if (argument === undefined && !fieldNames.includes(name)) {
      return problem(`there is no ${JSON.stringify(name)}`, didYouMean(nearest(name, fieldNames)) ?? example);
    }
    if (known.has(argument ?? name)) return problem(`${name} stands here twice`);
    known.set(argument ?? name, value);
  }
  const missing = ["ref", "context"].find((name) => (fields.get(name) ?? "") === "");
  if (missing !== undefined) return problem(`it has no ${missing}`);
  const reference = readName(fields.get("ref") ?? "");
  if (typeof reference === "string") return problem(reference);
  const written = fields.get("context") ?? "";
  const context = resolve(directory, written);
  if (within !== undefined && isOutside(within, context)) {
    return problem(
      `its context ${written} is outside of ${within}`,
      "a file of the project can name its own directories alone",
    );
  }
  const dockerfile = posix.normalize(fields.get("file") || "Dockerfile");
  if (isAbsolute(dockerfile) || dockerfile.startsWith("../")) {
    return problem(
      `its file ${dockerfile} is outside of its context`,
      "name the Dockerfile by its path in the context",
    );
  }
  const target = fields.get("target");
  return {
    ...{ reference, context, dockerfile, arguments: values },
    shown: posix.join(written, dockerfile),
    target: target === "" ? undefined : target,
  };
}

/** A word when it is no name that an image can be given. */
function readName(text: string): Reference | string {
  try {
    const { host, path, tag, digest } = parseReference(text);
    if (digest !== undefined) return "its ref names a digest, which is known only when the image is built";
    return { host, path, tag: tag ?? "latest" };
  } catch (error) {
    return errorMessage(error);
  }
}

function twice(builds: readonly ImageBuild[]): readonly Problem[] {
  const names = builds.map(({ reference: { host, path, tag } }) => `${host}/${path}:${tag}`);
  const again = [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
  return again.map((name) => ({
    message: `two of ${FLAG} build ${name}`,
    hint: "give each image a name of its own",
  }));
}
