import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { KubefileError } from "../error.ts";
import { totalSize } from "../image/cluster-image.ts";
import { diffMarkdown } from "../image/diff-markdown.ts";
import { type Inspection, inspectClusterImage } from "../image/inspect.ts";
import { fetchClusterImage, fetchDescription } from "../image/load.ts";
import { exportOciLayout } from "../image/oci-layout.ts";
import { registryFailure } from "../image/registry-failure.ts";
import { releaseMarkdown } from "../image/release-markdown.ts";
import { formatSize } from "../image/text-table.ts";
import { formatRepository, parseReference, type Reference } from "../oci/reference.ts";
import { diff } from "../pipeline/diff.ts";
import type { Host } from "../pipeline/host.ts";
import { openStore } from "../store/store.ts";
import type { CommandContext } from "./context.ts";
import { longestAsset } from "./github-upload.ts";
import type { NoteOutcome } from "./platform.ts";
import { sourceRevision } from "./source-revision.ts";
import { exactVersion, isPrerelease, releaseBefore } from "./tag-scheme.ts";

export interface ReleaseJob {
  readonly reference: Reference;
  /** The release to compare with: a reference, `none`, or undefined for the last one in the same repository. */
  readonly previous: string | undefined;
  /** Whether the image itself hangs on the release, as an OCI archive. */
  readonly archive: boolean;
  /** Absolute names. */
  readonly files: readonly string[];
  readonly dryRun: boolean;
}

/** Less than GitHub takes of a release, which is 125,000 characters; GitLab takes more. */
const LONGEST_NOTES = 120_000;
const LONGEST_DIFFERENCE = 60_000;

/**
 * Writes the release of the Git tag that this run stands on.
 *
 * @returns its notes, and what became of them; nothing is written in a dry run
 * @throws KubefileError USAGE, REGISTRY, ARTIFACT_INVALID, PLATFORM
 */
export async function releaseInJob(
  context: CommandContext,
  host: Host,
  job: ReleaseJob,
): Promise<{ readonly notes: string; readonly outcome: NoteOutcome | undefined }> {
  const { platform, env } = context;
  const revision = await sourceRevision(env);
  const tag = revision?.ref.kind === "tag" ? revision.ref.name : undefined;
  const version = tag === undefined ? undefined : exactVersion(tag);
  if (tag === undefined || version === undefined) {
    throw new KubefileError("USAGE", "this run stands on no Git tag that names a version", {
      hint: "run it for a pushed tag such as v1.2.3",
    });
  }
  for (const file of job.files) {
    if ((await stat(file).catch(() => undefined))?.isFile() === true) continue;
    throw new KubefileError("USAGE", `${file} is no file that could hang on a release`, {
      hint: "name one that is there",
    });
  }
  const { reference } = job;
  host.trustRegistry(reference.host);
  const directory = await mkdtemp(join(tmpdir(), "kubefile-release-"));
  try {
    const image = await inspect(host, reference);
    const named = `${formatRepository(reference)}@${image.digest}`;
    // GitLab keeps no files with a release.
    const archive =
      job.archive && platform.name !== "gitlab"
        ? await writeArchive(host, reference, join(directory, `${archiveName(reference)}-${version}.tar`))
        : undefined;
    const lock = job.files.map((file) => basename(file)).find((name) => name.endsWith(".lock"));
    const notes = host.redact(
      releaseMarkdown(
        {
          ...{ reference: named, version, image },
          ...(await previousOf(host, job, version, named)),
          ...(archive === undefined ? {} : { archive: { name: basename(archive.file), size: archive.size } }),
          ...(lock === undefined ? {} : { lock }),
        },
        { limit: LONGEST_NOTES },
      ),
    );
    if (job.dryRun) return { notes, outcome: undefined };
    const files = [...(archive === undefined ? [] : [archive.file]), ...job.files];
    const release = { tag, name: version, notes, isPrerelease: isPrerelease(tag), files };
    return { notes, outcome: await platform.publishRelease(release) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function inspect(host: Host, reference: Reference): Promise<Inspection> {
  const store = await openStore(host.directories.store);
  try {
    const image = await fetchDescription({ client: host.client, store, reference, signal: host.signal });
    return await inspectClusterImage(store, image);
  } finally {
    await store.close();
  }
}

async function previousOf(
  host: Host,
  { reference, previous }: ReleaseJob,
  version: string,
  named: string,
): Promise<{ readonly previous?: { readonly version: string; readonly difference: string } }> {
  if (previous === "none") return {};
  const last = previous === undefined ? await lastRelease(host, reference, version) : parseReference(previous);
  if (last === undefined) return {};
  const name = `${formatRepository(last)}${last.digest === undefined ? `:${last.tag}` : `@${last.digest}`}`;
  const of = (text: string) => ({ name: text, file: "" });
  const result = await diff(host, { from: of(name), to: of(named), files: true, platform: undefined });
  return { previous: { version: last.tag ?? name, difference: diffMarkdown(result, { limit: LONGEST_DIFFERENCE }) } };
}

async function lastRelease(host: Host, reference: Reference, version: string): Promise<Reference | undefined> {
  const tags = await host.client
    .tags(reference, { signal: host.signal })
    .catch((error: unknown) => Promise.reject(registryFailure("fetch", reference.host, error)));
  const tag = releaseBefore(version, tags);
  return tag === undefined ? undefined : { host: reference.host, path: reference.path, tag };
}

/** Undefined, with a word on it, when no release may hold it. */
async function writeArchive(
  host: Host,
  reference: Reference,
  file: string,
): Promise<{ readonly file: string; readonly size: number } | undefined> {
  const store = await openStore(host.directories.store);
  try {
    return await host.progress.phase("archive", async (phase) => {
      const options = { client: host.client, store, reference, signal: host.signal };
      const bytes = totalSize(await fetchDescription(options));
      const tooLarge = `${formatSize(bytes)} are more than a release may hold`;
      if (bytes > longestAsset) {
        phase.summary(`none: ${tooLarge}`);
        return undefined;
      }
      const image = await fetchClusterImage(options);
      const { size } = await exportOciLayout({ store, image, destination: file, signal: host.signal });
      if (size > longestAsset) phase.summary(`none: ${tooLarge}`);
      else phase.summary(formatSize(size));
      return size > longestAsset ? undefined : { file, size };
    });
  } finally {
    await store.close();
  }
}

function archiveName({ path }: Reference): string {
  return basename(path);
}
