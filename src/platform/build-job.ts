import { existsSync } from "node:fs";
import { join } from "node:path";
import { errorMessage } from "../error.ts";
import type { BuildMetadata } from "../image/metadata.ts";
import type { BuildReport } from "../image/report.ts";
import { reportMarkdown } from "../image/report-markdown.ts";
import { formatReport } from "../image/report-text.ts";
import { type BuildResult, build } from "../pipeline/build.ts";
import { verdictMarkdown } from "../pipeline/verdict-markdown.ts";
import { formatVerdict } from "../pipeline/verdict-text.ts";
import { verifiedBuild } from "../pipeline/verified-build.ts";
import type { Verdict } from "../pipeline/verify.ts";
import { baseOfRun, differenceFromBase } from "./base-of-run.ts";
import type { BuildFlags } from "./build-inputs.ts";
import { type CommandContext, showsColor } from "./context.ts";
import { openHost } from "./host.ts";
import { reproduceCommand } from "./reproduce.ts";
import { resolveBuild } from "./resolve-build.ts";

/** What a page of GitHub takes of one step; others take more. */
const SUMMARY_BYTES = 1024 * 1024 - 1024;
/** Of these for what changed since the base's image. */
const DIFFERENCE_BYTES = 200_000;

export interface BuildJob {
  /** The build context as the user wrote it. */
  readonly directory: string;
  readonly asked: BuildFlags;
  readonly runId?: string;
  /** Keeps what a failed run left in a directory where the page can name it; undefined when it could not. */
  readonly keepBundle?: (directory: string) => Promise<string | undefined>;
}

/**
 * Builds, prints what came of it, and tells the place it runs in: values for later steps, and a page, of failures, too.
 *
 * @throws KubefileError as the build does
 */
export async function buildInJob(context: CommandContext, job: BuildJob): Promise<BuildResult> {
  const { platform, stdout, env } = context;
  const { options, settings } = await resolveBuild(job.directory, job.asked, context);
  await using host = await openHost(context, settings, job.runId);
  let failed: BuildReport | undefined;
  const onFailure = (report: BuildReport): void => {
    failed = report;
  };
  try {
    // A terminal has no page to show it on.
    const base =
      platform.name === "terminal" ? undefined : await baseOfRun(context, host, job.asked.base, options.tags[0]);
    const result: BuildResult & { readonly verdict?: Verdict } =
      job.asked.verify === true
        ? await verifiedBuild(host, options, { onFailure })
        : await build(host, options, { onFailure });
    const { reference } = outputsOf(result);
    const built = { name: reference, digest: result.image.digest };
    const difference = await differenceFromBase(host, base, built, DIFFERENCE_BYTES);
    host.endProgress();
    const color = showsColor(stdout, env);
    stdout.write(formatReport(result.report, { color, width: stdout.columns ?? 120 }));
    const { verdict } = result;
    if (verdict !== undefined) stdout.write(formatVerdict(reference, verdict, color));
    await telling(context, async () => {
      for (const [name, value] of Object.entries(outputsOf(result))) await platform.output(name, value);
      const extra = { limit: SUMMARY_BYTES, ...(difference === undefined ? {} : { difference }) };
      await platform.summary(host.redact(reportMarkdown(result.report, extra)));
      if (verdict === undefined) return;
      await platform.output("verdict", verdict.verdict);
      // Its phases are among those of the build.
      await platform.summary(host.redact(verdictMarkdown(reference, { ...verdict, phases: [] })));
    });
    return result;
  } catch (error) {
    const report = failed;
    if (report === undefined || host.signal.aborted) throw error;
    await telling(context, async () => {
      const directory = join(host.directories.failures, host.runId);
      const bundle = existsSync(directory) ? await job.keepBundle?.(directory) : undefined;
      const reproduce = reproduceCommand(
        { flags: job.asked, context: options.context, secrets: options.secrets.keys() },
        context,
      );
      const extra = { reproduce, ...(bundle === undefined ? {} : { bundle }) };
      await platform.summary(host.redact(reportMarkdown(report, { limit: SUMMARY_BYTES, ...extra })));
    });
    throw error;
  }
}

/** The image is there, or another error is on its way: neither is to be lost over a page. */
async function telling({ platform }: CommandContext, work: () => Promise<void>): Promise<void> {
  await work().catch((error: unknown) => {
    platform.annotate({ level: "warning", message: `this job's page lacks something: ${errorMessage(error)}` });
  });
}

/** Names as users of docker/build-push-action expect them. */
export function outputsOf({ report, metadata }: { readonly report: BuildReport; readonly metadata: BuildMetadata }) {
  const digest = metadata["containerimage.digest"];
  const [first] = report.references;
  return {
    digest,
    reference: first === undefined ? digest : first.includes("@") ? first : `${withoutTag(first)}@${digest}`,
    images: JSON.stringify(metadata["kubefile.images"]),
    metadata: JSON.stringify(metadata),
    grade: report.grade,
    "cache-hit": String(isCacheHit(report)),
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
