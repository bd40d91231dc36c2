import { errorMessage, KubefileError } from "../error.ts";
import { formatIndexSummary, indexMarkdown } from "../image/index-text.ts";
import type { BuildMetadata } from "../image/metadata.ts";
import type { BuildReport } from "../image/report.ts";
import { type ReportMarkdownOptions, reportMarkdown } from "../image/report-markdown.ts";
import { formatReport } from "../image/report-text.ts";
import type { TextOptions } from "../image/text-style.ts";
import { hostPlatform, isSamePlatform } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { type BuildResult, build } from "../pipeline/build.ts";
import { type BuiltIndex, buildPlatforms } from "../pipeline/build-platforms.ts";
import type { Host } from "../pipeline/host.ts";
import { verdictMarkdown } from "../pipeline/verdict-markdown.ts";
import { formatVerdict } from "../pipeline/verdict-text.ts";
import { verifiedBuild } from "../pipeline/verified-build.ts";
import type { Verdict } from "../pipeline/verify.ts";
import { baseOfRun, differenceFromBase } from "./base-of-run.ts";
import { type BuildFlags, buildInputs } from "./build-inputs.ts";
import { type CommandContext, showsColor } from "./context.ts";
import { failurePointers, type KeepBundle } from "./failure-pointers.ts";
import { longestSummary } from "./github.ts";
import { openHost } from "./host.ts";
import { type ResolvedBuild, resolveBuild } from "./resolve-build.ts";

/** A little less than a page of GitHub takes of one step; others take more. */
const SUMMARY_BYTES = longestSummary - 1024;
/** Of these for what changed since the base's image. */
const DIFFERENCE_BYTES = 200_000;

export interface BuildJob {
  /** The build context as the user wrote it. */
  readonly directory: string;
  readonly asked: BuildFlags;
  readonly runId?: string;
  readonly keepBundle?: KeepBundle | undefined;
}

/**
 * Builds, prints what came of it, and tells the place it runs in: values for later steps, and a page, of failures, too.
 *
 * @throws KubefileError as the build does
 */
export async function buildInJob(context: CommandContext, job: BuildJob): Promise<BuildMetadata> {
  const { platform, stdout, env } = context;
  const resolved = await resolveBuild(job.directory, job.asked, context);
  const { options, settings } = resolved;
  await using host = await openHost(context, settings, job.runId);
  let failed: BuildReport | undefined;
  const onFailure = (report: BuildReport): void => {
    failed = report;
  };
  try {
    // A terminal has no page to show it on.
    const base =
      platform.name === "terminal" ? undefined : await baseOfRun(context, host, job.asked.base, options.tags[0]);
    const { metadata, compared, isCacheHit, text, markdown, verdict } = await builtAsAsked(
      host,
      job,
      resolved,
      onFailure,
    );
    const outputs = { ...outputsOf(metadata), "cache-hit": String(isCacheHit) };
    const { reference } = outputs;
    const difference =
      compared === undefined
        ? undefined
        : await differenceFromBase(host, base, { name: reference, digest: compared }, DIFFERENCE_BYTES);
    host.endProgress();
    const color = showsColor(stdout, env);
    stdout.write(text({ color, width: stdout.columns ?? 120 }));
    if (verdict !== undefined) stdout.write(formatVerdict(reference, verdict, color));
    await telling(context, async () => {
      for (const [name, value] of Object.entries(outputs)) await platform.output(name, value);
      // The phases of the proof are among those of the build.
      const proof = verdict === undefined ? "" : verdictMarkdown(reference, { ...verdict, phases: [] });
      const limit = SUMMARY_BYTES - Buffer.byteLength(proof);
      const page = markdown({ limit, ...(difference === undefined ? {} : { difference }) });
      await platform.summary(host.redact([page, proof].join("\n")));
      if (verdict !== undefined) await platform.output("verdict", verdict.verdict);
    });
    return metadata;
  } catch (error) {
    const report = failed;
    if (report === undefined || host.signal.aborted) throw error;
    await telling(context, async () => {
      const pointers = await failurePointers(
        context,
        host,
        {
          ...{ verb: "build", inputs: buildInputs, flags: { ...job.asked } },
          ...{ subject: options.context, secrets: options.secrets.keys() },
        },
        job.keepBundle,
      );
      await platform.summary(host.redact(reportMarkdown(report, { limit: SUMMARY_BYTES, ...pointers })));
    });
    throw error;
  }
}

/** What a job tells of its result. */
interface ShownResult {
  readonly metadata: BuildMetadata;
  /** The one that is compared with the base's: of several platforms this machine's, if it is among them. */
  readonly compared: Digest | undefined;
  readonly isCacheHit: boolean;
  readonly verdict?: Verdict;
  readonly text: (options: TextOptions) => string;
  readonly markdown: (options: ReportMarkdownOptions) => string;
}

async function builtAsAsked(
  host: Host,
  { asked }: BuildJob,
  { options, platforms }: ResolvedBuild,
  onFailure: (report: BuildReport) => void,
): Promise<ShownResult> {
  const isVerified = asked.verify === true;
  if (platforms.length > 1) {
    if (isVerified) {
      throw new KubefileError("USAGE", "--verify proves one platform, and there are several", {
        hint: "leave it out, and run `kubefile verify --platform` on a machine of each",
      });
    }
    return shownIndex(await buildPlatforms(host, options, platforms, { onFailure }));
  }
  if (!isVerified) return shownBuild(await build(host, options, { onFailure }));
  const verified = await verifiedBuild(host, options, { onFailure });
  return { ...shownBuild(verified), verdict: verified.verdict };
}

function shownBuild({ image, report, metadata }: BuildResult): ShownResult {
  return {
    metadata,
    compared: image.digest,
    isCacheHit: isCacheHit(report),
    text: (options) => formatReport(report, options),
    markdown: (options) => reportMarkdown(report, options),
  };
}

function shownIndex({ index, references, results, metadata }: BuiltIndex): ShownResult {
  const summary = { digest: index.digest, references, platforms: metadata["kubefile.platforms"] };
  return {
    metadata,
    compared: index.images.find(({ config }) => isSamePlatform(config.platform, hostPlatform()))?.digest,
    isCacheHit: results.every(({ report }) => isCacheHit(report)),
    text: (options) =>
      [...results.map(({ report }) => formatReport(report, options)), formatIndexSummary(summary, options)].join("\n"),
    markdown: ({ limit, difference }) => {
      const top = indexMarkdown(summary);
      const share = Math.floor((limit - Buffer.byteLength(top)) / results.length) - 64;
      const pages = results.map(({ report }, position) => {
        const extra = position === 0 && difference !== undefined ? { difference } : {};
        return `## ${report.platform}\n\n${reportMarkdown(report, { limit: share, ...extra })}`;
      });
      return [top, ...pages].join("\n\n");
    },
  };
}

/** The image is there, or another error is on its way: neither is to be lost over a page. */
async function telling({ platform }: CommandContext, work: () => Promise<void>): Promise<void> {
  await work().catch((error: unknown) => {
    platform.annotate({ level: "warning", message: `this job's page lacks something: ${errorMessage(error)}` });
  });
}

/** Names as users of docker/build-push-action expect them. */
export function outputsOf(metadata: BuildMetadata) {
  const digest = metadata["containerimage.digest"];
  const [first] = metadata["kubefile.references"];
  return {
    digest,
    reference: first === undefined ? digest : first.includes("@") ? first : `${withoutTag(first)}@${digest}`,
    images: JSON.stringify(metadata["kubefile.images"]),
    metadata: JSON.stringify(metadata),
    grade: metadata["kubefile.grade"],
  };
}

/** Nothing was executed, and no launch rehearsed: everything was known. A build of nothing knows nothing. */
function isCacheHit({ steps, rehearsal }: BuildReport): boolean {
  const states = [...steps, ...(rehearsal?.state === "scanned" ? [] : [rehearsal])].map((each) => each?.state);
  return states.length > 0 && states.every((state) => state === "cached");
}

/** A colon after the last slash begins a tag, one before it a port. */
function withoutTag(reference: string): string {
  return reference.replace(/:[^:/]*$/, "");
}
