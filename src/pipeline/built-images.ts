import { realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { openBuildkit } from "../builders/buildkit.ts";
import { openKaniko } from "../builders/kaniko.ts";
import type { ImageBuild, ImageBuilder } from "../builders/types.ts";
import { connectEngine } from "../cluster/engine.ts";
import { errorMessage, KubefileError } from "../error.ts";
import { importOciLayout } from "../image/oci-layout.ts";
import { countOf } from "../image/text-table.ts";
import { formatReference, parseReference } from "../oci/reference.ts";
import type { HeldImage } from "../registry/held-images.ts";
import { isOutside } from "../rootfs/contained-path.ts";
import { collectProblem, throwTogether } from "../rootfs/problems.ts";
import type { Store } from "../store/types.ts";
import type { Host } from "./host.ts";
import type { BuildOptions } from "./options.ts";
import type { Phase } from "./progress.ts";
import { withRun } from "./run-lifetime.ts";

/** An image that this run has built; all of it is in the store. */
export interface BuiltImage extends HeldImage {
  /** What it was built from, as messages name it: `web/Dockerfile`. */
  readonly from: string;
}

/** Of captured images those that this run has not built, whatever digest was written beside a name. */
export function notBuilt<Image extends { readonly reference: string }>(
  images: readonly Image[],
  built: readonly BuiltImage[],
): Image[] {
  const names = new Set(built.map(({ reference }) => reference));
  return images.filter(({ reference }) => !names.has(nameOf(reference)));
}

/** What this run has built, and nothing that is captured is called by. */
export function unusedImages(
  built: readonly BuiltImage[],
  captured: readonly { readonly reference: string }[],
): BuiltImage[] {
  const names = new Set(captured.map(({ reference }) => nameOf(reference)));
  return built.filter(({ reference }) => !names.has(reference));
}

function nameOf(reference: string): string {
  const { host, path, tag } = parseReference(reference);
  return formatReference(tag === undefined ? { host, path } : { host, path, tag });
}

/**
 * Builds the images that the launch needs and no registry has, one after the other: a builder's own steps go side by
 * side. What it has built before is in its own cache.
 *
 * @throws KubefileError USAGE for a context that is none, TOOL_MISSING or RUN_IMAGE_MISSING without a builder,
 *   IMAGE_BUILD_FAILED with every image that cannot be built
 */
export async function buildImages(host: Host, options: BuildOptions, store: Store): Promise<readonly BuiltImage[]> {
  const { imageBuilds, imagesWithin } = options;
  if (imageBuilds.length === 0) return [];
  await checkContexts(imageBuilds, imagesWithin);
  return await host.progress.phase("images", async (phase) => {
    const built = await withBuilder(host, options, (builder) => buildEach(builder, { host, options, store, phase }));
    phase.summary(`${countOf(built.length, "image")} built`);
    return built;
  });
}

async function withBuilder<T>(
  host: Host,
  options: BuildOptions,
  work: (builder: ImageBuilder) => Promise<T>,
): Promise<T> {
  const { signal, engineEnvironment, searchPath } = host;
  if (options.builder === "buildkit") return await work(await openBuildkit(engineEnvironment, signal));
  const image = options.kanikoImage;
  if (image === undefined) {
    throw new KubefileError("USAGE", "--builder kaniko needs an image of kaniko's executor", {
      hint: "name one with its digest: --kaniko-image ghcr.io/osscontainertools/kaniko:VERSION@sha256:…",
    });
  }
  const engine = await connectEngine(engineEnvironment, signal);
  return await withRun(host, engine, "never", async (run) =>
    work(await openKaniko({ engine, run, image, searchPath }, signal)),
  );
}

async function buildEach(
  builder: ImageBuilder,
  { host, options, store, phase }: { host: Host; options: BuildOptions; store: Store; phase: Phase },
): Promise<readonly BuiltImage[]> {
  const problems: KubefileError[] = [];
  const built: BuiltImage[] = [];
  for (const build of options.imageBuilds) {
    const reference = formatReference(build.reference);
    phase.update(`${reference} from ${build.shown}, by ${builder.name}`);
    const image = await collectProblem(problems, () => buildOne(builder, build, { host, options, store, phase }));
    if (image === undefined) {
      // What was cancelled is no problem of one image.
      host.signal.throwIfAborted();
      continue;
    }
    phase.log(`${reference} is ${image.digest}`);
    built.push(image);
  }
  throwTogether(problems);
  return built;
}

async function buildOne(
  builder: ImageBuilder,
  build: ImageBuild,
  { host, options, store, phase }: { host: Host; options: BuildOptions; store: Store; phase: Phase },
): Promise<BuiltImage> {
  const reference = formatReference(build.reference);
  let named: Awaited<ReturnType<typeof importOciLayout>> = [];
  await builder.build(build, {
    platform: options.platform,
    epoch: options.sourceDateEpoch ?? 0,
    output: async (layout) => {
      named = await importOciLayout(layout, store, { name: `what ${builder.name} has built`, signal: host.signal });
    },
    onLine: (line) => phase.log(host.redact(line)),
    signal: host.signal,
  });
  const [image, ...others] = named;
  if (image === undefined || others.length > 0) {
    throw new KubefileError(
      "IMAGE_BUILD_FAILED",
      `${builder.name} has made ${countOf(named.length, "image")} of ${reference}`,
      {
        hint: "a Dockerfile makes one image for one platform",
      },
    );
  }
  return { reference, digest: image.digest, mediaType: image.mediaType, from: build.shown };
}

/**
 * All that is wrong with contexts, at once. Links come with the commit, and what they lead to would be in an image, or in
 * the message about a Dockerfile that is none: one in the checkout may not lead out of it, a Dockerfile not out of its
 * context.
 */
async function checkContexts(builds: readonly ImageBuild[], checkout: string): Promise<void> {
  const problems: KubefileError[] = [];
  for (const { reference, context, dockerfile, shown } of builds) {
    await collectProblem(problems, async () => {
      const name = formatReference(reference);
      const hint = "name a directory that holds the Dockerfile: --build-image ref=NAME,context=DIRECTORY";
      const place = await realpath(context).catch((error: unknown) => {
        throw new KubefileError("USAGE", `the context of ${name} cannot be read: ${errorMessage(error)}`, { hint });
      });
      if (!(await stat(place)).isDirectory()) {
        throw new KubefileError("USAGE", `the context of ${name}, ${context}, is not a directory`, { hint });
      }
      if (!isOutside(checkout, context) && isOutside(checkout, place)) {
        throw new KubefileError("PATH_ESCAPES", `the context of ${name} is a link out of the project: ${context}`, {
          hint: "name the directory itself with --build-image, when that is what is meant",
        });
      }
      const file = await realpath(join(place, dockerfile)).catch((error: unknown) => {
        throw new KubefileError("SOURCE_MISSING", `the Dockerfile of ${name} cannot be read: ${errorMessage(error)}`, {
          hint: "name it by its path in the context: file=docker/Dockerfile",
        });
      });
      if (isOutside(place, file)) {
        throw new KubefileError("PATH_ESCAPES", `the Dockerfile of ${name} is a link out of its context: ${shown}`, {
          hint: "put the file itself there",
        });
      }
    });
  }
  throwTogether(problems);
}
