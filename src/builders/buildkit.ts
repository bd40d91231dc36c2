import { basename, dirname, join } from "node:path";
import { KubefileError } from "../error.ts";
import { formatPlatform } from "../oci/descriptor.ts";
import { outputTail } from "../process/output-tail.ts";
import { run } from "../process/run.ts";
import { BUILD_TIMEOUT, buildArguments } from "./build-arguments.ts";
import { buildFailed, KEPT_OUTPUT } from "./failure.ts";
import type { BuildUse, ImageBuild, ImageBuilder } from "./types.ts";

/** Times of files are those of the epoch, too: else two builds of the same sources differ. */
const OUTPUT = "type=oci,rewrite-timestamp=true";

type Call = Pick<BuildUse, "platform" | "epoch">;

/** Arguments of `buildctl`, which writes to its standard output what has no `dest`. */
export function buildctlArguments(build: ImageBuild, { platform, epoch }: Call): string[] {
  const dockerfile = join(build.context, build.dockerfile);
  const options = {
    filename: basename(dockerfile),
    platform: formatPlatform(platform),
    ...(build.target === undefined ? {} : { target: build.target }),
    ...Object.fromEntries(buildArguments(build, epoch).map(([name, value]) => [`build-arg:${name}`, value])),
  };
  return [
    ...["build", "--progress", "plain", "--frontend", "dockerfile.v0"],
    ...["--local", `context=${build.context}`, "--local", `dockerfile=${dirname(dockerfile)}`],
    ...Object.entries(options).flatMap(([name, value]) => ["--opt", `${name}=${value}`]),
    ...["--output", OUTPUT],
  ];
}

/** Arguments of `docker`. An attestation would tell of the machine and the hour, and so differ each time. */
export function buildxArguments(build: ImageBuild, { platform, epoch }: Call): string[] {
  return [
    ...["buildx", "build", "--progress", "plain", "--platform", formatPlatform(platform)],
    ...["--file", join(build.context, build.dockerfile)],
    ...(build.target === undefined ? [] : ["--target", build.target]),
    ...buildArguments(build, epoch).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]),
    ...["--provenance=false", "--sbom=false", "--output", `${OUTPUT},dest=-`],
    build.context,
  ];
}

/**
 * BuildKit: by `buildctl` where BUILDKIT_HOST names a daemon, and else by the docker command's plugin.
 *
 * @param environment all that the program gets: where to find itself, the daemon and the user's registry credentials
 * @throws KubefileError TOOL_MISSING when there is neither
 */
export async function openBuildkit(
  environment: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<ImageBuilder> {
  const direct = environment.BUILDKIT_HOST !== undefined;
  const [program, probe] = direct ? ["buildctl", ["--version"]] : ["docker", ["buildx", "version"]];
  if (!(await answers(program, probe, environment, signal))) {
    throw new KubefileError(
      "TOOL_MISSING",
      `images are to be built, and ${direct ? "buildctl" : "docker buildx"} is not here`,
      {
        hint: direct
          ? "put buildctl on PATH, or unset BUILDKIT_HOST to build with docker buildx"
          : "install Docker's buildx plugin (docker/setup-buildx-action in GitHub Actions), or run buildkitd and set BUILDKIT_HOST",
      },
    );
  }
  return {
    name: direct ? "buildctl" : "docker buildx",
    async build(build, use) {
      const said = outputTail(KEPT_OUTPUT);
      let broken: unknown;
      const words = direct ? buildctlArguments(build, use) : buildxArguments(build, use);
      const { exitCode } = await run(program, words, {
        env: environment,
        timeout: BUILD_TIMEOUT,
        signal: use.signal,
        allowFailure: true,
        output: (stdout) =>
          use.output(stdout).catch((error: unknown) => {
            // A layout that breaks off is what a failed build leaves: its exit code tells why.
            stdout.resume();
            broken = error;
          }),
        onLine: (line) => {
          said.add(`${line}\n`);
          use.onLine(line);
        },
      });
      if (exitCode !== 0) throw buildFailed(build, said.text());
      if (broken !== undefined) throw broken;
    },
  };
}

async function answers(
  program: string,
  words: readonly string[],
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const { exitCode } = await run(program, words, { env, timeout: 20_000, signal, allowFailure: true });
    return exitCode === 0;
  } catch (error) {
    if (error instanceof KubefileError && error.code === "TOOL_MISSING") return false;
    throw error;
  }
}
