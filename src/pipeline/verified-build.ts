import { connectEngine } from "../cluster/engine.ts";
import { KubefileError } from "../error.ts";
import type { Digest } from "../oci/digest.ts";
import { formatReference, formatRepository, type Reference } from "../oci/reference.ts";
import type { ArtifactLaunch } from "./artifact-launch.ts";
import { type BuildResult, type BuildWatcher, build } from "./build.ts";
import { asKubefileError } from "./failure.ts";
import type { Host } from "./host.ts";
import type { BuildOptions } from "./options.ts";
import { writeJson } from "./output-files.ts";
import { tag } from "./tag.ts";
import { type Verdict, verify } from "./verify.ts";

export interface VerifiedBuild extends BuildResult {
  readonly verdict: Verdict;
}

/**
 * Builds, launches the result once more in a cluster of its own with the network cut, and only then gives it its names:
 * it is pushed by digest first, so that a failing proof moves no tag.
 *
 * @throws KubefileError as a build does; VERIFY_FAILED, VERIFY_INVALID; USAGE for names at several registries
 */
export async function verifiedBuild(
  host: Host,
  options: BuildOptions,
  watcher: BuildWatcher = {},
): Promise<VerifiedBuild> {
  requireOneRegistry(options);
  // Not known to be there, it would be missed when everything else has been done.
  await connectEngine(host.engineEnvironment, host.signal);
  const built = await build(host, { ...options, push: options.push === false ? false : "by digest" }, watcher);
  try {
    const verdict = await verify(host, launchOf(options, built.image.digest));
    if (verdict.verdict !== "passed") throw notProven(options, built.image.digest, verdict);
    if (options.push === true) await moveTags(host, options, built.image.digest);
    const named = withNames(host, options, built);
    await writeFiles(options, named);
    return { ...named, verdict };
  } catch (error) {
    const { code, message, hint } = asKubefileError(error);
    const failure = { code, message, ...(hint === undefined ? {} : { hint }) };
    const report = { ...built.report, phases: host.progress.timings(), failure };
    if (options.reportFile !== undefined) await writeJson(options.reportFile, report).catch(() => undefined);
    watcher.onFailure?.(report);
    throw error;
  }
}

/** What is proven are the bytes of one registry; another may have been given the same in another form. */
function requireOneRegistry({ push, tags }: BuildOptions): void {
  const hosts = [...new Set(tags.map(({ host }) => host))];
  if (push === false || hosts.length < 2) return;
  throw new KubefileError("USAGE", `--verify proves an image at one registry, and the tags name ${hosts.join(", ")}`, {
    hint: "push to the others afterwards: `kubefile push REF TARGET`",
  });
}

function launchOf(options: BuildOptions, digest: Digest): ArtifactLaunch {
  const { push, tags, nodeImage, kindConfig, runImage, quietWindow, timeout } = options;
  const [first] = tags;
  const artifact: ArtifactLaunch["artifact"] =
    push === false || first === undefined
      ? { kind: "store", digest }
      : { kind: "registry", reference: { host: first.host, path: first.path, digest } };
  return { artifact, nodeImage, kindConfig, runImage, quietWindow, timeout, env: {}, apps: [], values: [] };
}

function notProven(
  { push, tags: [first] }: BuildOptions,
  digest: Digest,
  { verdict, reasons }: Verdict,
): KubefileError {
  const code = verdict === "failed" ? "VERIFY_FAILED" : "VERIFY_INVALID";
  const where = push === false || first === undefined ? digest : `${formatRepository(first)}@${digest}`;
  return new KubefileError(code, `${where} was built, and not verified: ${reasons.join("\n")}`, {
    hint: "no tag was moved",
  });
}

/** Names of one repository move together. */
async function moveTags(host: Host, { tags }: BuildOptions, digest: Digest): Promise<void> {
  const repositories = new Map<string, Reference[]>();
  for (const target of tags) {
    const name = formatRepository(target);
    repositories.set(name, [...(repositories.get(name) ?? []), target]);
  }
  for (const targets of repositories.values()) {
    const [first] = targets;
    if (first === undefined) continue;
    await tag(host, { source: { host: first.host, path: first.path, digest }, targets, expected: undefined });
  }
}

function withNames(host: Host, { push, tags }: BuildOptions, built: BuildResult): BuildResult {
  const { report, metadata } = built;
  const phases = host.progress.timings();
  if (push !== true) return { ...built, report: { ...report, phases } };
  const references = tags.map(formatReference);
  return {
    ...built,
    report: { ...report, references, phases },
    metadata: {
      ...metadata,
      "image.name": references.join(","),
      "kubefile.references": references,
      "kubefile.platforms": metadata["kubefile.platforms"].map((platform) => ({ ...platform, references })),
    },
  };
}

async function writeFiles(
  { metadataFile, reportFile }: BuildOptions,
  { metadata, report }: BuildResult,
): Promise<void> {
  if (metadataFile !== undefined) await writeJson(metadataFile, metadata);
  if (reportFile !== undefined) await writeJson(reportFile, report);
}
