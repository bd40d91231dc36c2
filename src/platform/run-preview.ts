import { writeFile } from "node:fs/promises";
import type { FailurePointers } from "../image/failure-markdown.ts";
import type { Repository } from "../oci/reference.ts";
import type { Base } from "../pipeline/base-comparison.ts";
import { checkOutputFiles, writeJson } from "../pipeline/output-files.ts";
import { type PreviewOptions, preview } from "../pipeline/preview.ts";
import { previewMarkdown } from "../pipeline/preview-markdown.ts";
import { formatPreview } from "../pipeline/preview-text.ts";
import type { PreviewVerdict } from "../pipeline/preview-verdict.ts";
import { baseOfRun, differenceFromBase } from "./base-of-run.ts";
import { markCommit } from "./commit-mark.ts";
import { type CommandContext, showsColor } from "./context.ts";
import { failurePointers, type KeepBundle } from "./failure-pointers.ts";
import { type OpenHost, openHost } from "./host.ts";
import { absolute } from "./input-values.ts";
import { pageOfRun } from "./preceding-run.ts";
import { type PreviewFlags, previewInputs, resolvePreview } from "./preview-inputs.ts";
import { sourceRevision } from "./source-revision.ts";
import { writeNote } from "./write-note.ts";

/** Less than GitHub takes for a comment, which is 65,536 characters; GitLab takes more. */
export const longestComment = 60_000;
/** Of these for what changed since the base's image. */
const longestDifference = 20_000;

/**
 * Makes a preview and tells of it: in files, on the page of the run, on the request and on the commit.
 *
 * @throws KubefileError what the preview failed over, after all has been told
 */
export async function runPreview(
  subject: string,
  flags: PreviewFlags,
  context: CommandContext,
  action: { readonly runId?: string; readonly keepBundle?: KeepBundle | undefined } = {},
): Promise<PreviewVerdict> {
  const { options, settings } = await resolvePreview(subject, flags, context);
  const files = [flags.verdict, flags.comment].filter((file) => file !== undefined);
  await checkOutputFiles(files.map((file) => absolute(file, context.cwd)));
  await using host = await openHost(context, settings, action.runId);
  const base = await baseOfRun(context, host, flags.base, baseRepository(options));
  const { verdict, failure } = await preview(host, options);
  const difference = await differenceOf(host, base, verdict);
  host.endProgress();
  const color = showsColor(context.stdout, context.env);
  context.stdout.write(formatPreview(verdict, { color, width: context.stdout.columns ?? 120 }));
  const { subject: previewed } = options;
  const place =
    previewed.kind === "context"
      ? { subject: previewed.build.context, secrets: previewed.build.secrets.keys() }
      : { subject };
  const job = { verb: "preview", inputs: previewInputs, flags: { ...flags }, ...place } as const;
  const pointers = failure === undefined ? {} : await failurePointers(context, host, job, action.keepBundle);
  await tellPreview(verdict, { ...pointers, ...(difference === undefined ? {} : { difference }) }, flags, context);
  if (failure !== undefined) throw failure;
  return verdict;
}

/** Where the image has a name, the names of other branches are, too. */
function baseRepository({ subject }: PreviewOptions): Repository | undefined {
  return subject.kind === "image" ? subject.reference : subject.build.tags[0];
}

async function differenceOf(
  host: OpenHost,
  base: Base | undefined,
  { image }: PreviewVerdict,
): Promise<string | undefined> {
  if (image === undefined) return undefined;
  const { digest, references: [name = digest] = [] } = image;
  const text = await differenceFromBase(host, base, { name, digest }, longestDifference);
  return text === undefined ? undefined : host.redact(`#### Changes\n\n${text}`);
}

async function tellPreview(
  verdict: PreviewVerdict,
  more: FailurePointers & { readonly difference?: string },
  flags: PreviewFlags,
  context: CommandContext,
): Promise<void> {
  const { platform, cwd } = context;
  const markdown = previewMarkdown(verdict, { limit: longestComment, ...(await originOfPreview(context)), ...more });
  if (flags.verdict !== undefined) await writeJson(absolute(flags.verdict, cwd), verdict);
  if (flags.comment !== undefined) await writeFile(absolute(flags.comment, cwd), markdown);
  await platform.summary(markdown);
  const key = flags.key ?? "preview";
  const url = await writeNote(context, key, markdown);
  const { failure } = verdict;
  await markCommit(context, {
    ...{ what: key, passed: verdict.verdict === "passed" },
    description: failure === undefined ? "it starts with the network cut" : `${failure.part}: ${failure.message}`,
  });
  const { digest, references: [reference] = [] } = verdict.image ?? {};
  const outputs = {
    verdict: verdict.verdict,
    digest,
    reference,
    "comment-url": url,
    url: verdict.lasting?.addresses[0]?.url,
  };
  for (const [name, value] of Object.entries(outputs)) if (value !== undefined) await platform.output(name, value);
}

/** What was previewed, and where more can be read, as the CI system tells it. */
export async function originOfPreview({
  env,
}: CommandContext): Promise<{ readonly commit?: string; readonly job?: string }> {
  const [revision, page] = await Promise.all([sourceRevision(env), pageOfRun(env)]);
  return {
    ...(revision === undefined ? {} : { commit: revision.commit }),
    ...(page === undefined ? {} : { job: page }),
  };
}
