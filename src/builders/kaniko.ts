import { posix } from "node:path";
import { PassThrough } from "node:stream";
import type { Engine } from "../cluster/engine.ts";
import { ensureImage } from "../cluster/image-presence.ts";
import { removeContainer } from "../cluster/remove-container.ts";
import { labelArguments } from "../cluster/run-labels.ts";
import type { Run } from "../cluster/run-state.ts";
import { formatPlatform } from "../oci/descriptor.ts";
import { formatReference } from "../oci/reference.ts";
import { outputTail } from "../process/output-tail.ts";
import { run as runProgram } from "../process/run.ts";
import { BUILD_TIMEOUT, buildArguments } from "./build-arguments.ts";
import { buildFailed, KEPT_OUTPUT } from "./failure.ts";
import type { BuildUse, ImageBuild, ImageBuilder } from "./types.ts";

/** In the executor's container, which is removed when its image has been read. What is below is in no image it makes. */
const LAYOUT = "/kaniko/layout";
/** Where the executor unpacks what comes by its input. */
const CONTEXT = "/kaniko/buildcontext";

export interface KanikoOptions {
  readonly engine: Engine;
  readonly run: Run;
  /** Its executor. */
  readonly image: string;
  /** Where `tar` is found. */
  readonly searchPath: string;
}

/**
 * Arguments of kaniko's executor: the context comes by its standard input, and what it has built stays in its container
 * as an OCI image layout. `--reproducible` takes times out of the layers. Without credential helpers: unasked, it would
 * ask a cloud's metadata service for the machine's own credentials, and fetch with them whatever a Dockerfile names.
 */
export function kanikoArguments(
  build: ImageBuild,
  { platform, epoch }: Pick<BuildUse, "platform" | "epoch">,
): string[] {
  return [
    ...["--context", "tar://stdin", "--dockerfile", posix.join(CONTEXT, build.dockerfile)],
    ...["--custom-platform", formatPlatform(platform), "--credential-helpers="],
    ...(build.target === undefined ? [] : ["--target", build.target]),
    ...buildArguments(build, epoch).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]),
    ...["--destination", formatReference(build.reference), "--no-push", "--reproducible"],
    ...["--oci-layout-path", LAYOUT],
  ];
}

/**
 * kaniko: its executor in a container of the engine, with no privileges, no socket and nothing of the machine but the
 * context, which goes in as a stream: so it works with an engine that is elsewhere.
 *
 * @throws KubefileError RUN_IMAGE_MISSING when the executor's image is neither here nor can it be pulled
 */
export async function openKaniko(
  { engine, run, image, searchPath }: KanikoOptions,
  signal: AbortSignal,
): Promise<ImageBuilder> {
  await ensureImage(engine, image, {
    missing: "RUN_IMAGE_MISSING",
    hint: "name an image of kaniko's executor that can be pulled with --kaniko-image",
    signal,
  });
  return {
    name: "kaniko",
    async build(build, use) {
      const said = outputTail(KEPT_OUTPUT);
      const words = ["create", "--interactive", "--pull", "never", ...labelArguments(run), image];
      const created = await engine.docker([...words, ...kanikoArguments(build, use)], { signal: use.signal });
      const id = created.stdout.trim();
      try {
        const onLine = (line: string): void => {
          said.add(`${line}\n`);
          use.onLine(line);
        };
        const exitCode = await execute(engine, id, { context: build.context, searchPath, onLine, signal: use.signal });
        if (exitCode !== 0) throw buildFailed(build, said.text());
        await engine.docker(["cp", `${id}:${LAYOUT}/.`, "-"], {
          output: use.output,
          timeout: BUILD_TIMEOUT,
          signal: use.signal,
        });
      } finally {
        await removeContainer(engine, id);
      }
    },
  };
}

interface Execution {
  readonly context: string;
  readonly searchPath: string;
  readonly onLine: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Starts the executor, with the context as its input, and waits for it. */
async function execute(
  engine: Engine,
  id: string,
  { context, searchPath, onLine, signal }: Execution,
): Promise<number> {
  const archive = new PassThrough();
  const stopping = new AbortController();
  const packing = runProgram("tar", ["--create", "--gzip", "--directory", context, "."], {
    env: { PATH: searchPath },
    timeout: BUILD_TIMEOUT,
    signal: AbortSignal.any([signal, stopping.signal]),
    output: async (stdout) => {
      for await (const chunk of stdout) if (!archive.write(chunk)) await drained(archive);
      archive.end();
    },
  }).catch((error: unknown) => {
    archive.destroy(error instanceof Error ? error : undefined);
    throw error;
  });
  const executing = engine
    .docker(["start", "--attach", "--interactive", id], {
      input: archive,
      timeout: BUILD_TIMEOUT,
      signal,
      allowFailure: true,
      onLine,
    })
    // An executor that ends early reads no more.
    .finally(() => stopping.abort());
  const [{ exitCode }] = await Promise.all([
    executing,
    packing.catch((error: unknown) => unlessStopped(error, stopping)),
  ]);
  return exitCode;
}

function unlessStopped(error: unknown, { signal }: AbortController): void {
  if (!signal.aborted) throw error;
}

function drained(stream: PassThrough): Promise<void> {
  return new Promise((resolve) => {
    stream.once("drain", resolve);
    stream.once("close", resolve);
  });
}
