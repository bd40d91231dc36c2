import { diffMarkdown } from "../image/diff-markdown.ts";
import { formatDiff } from "../image/diff-text.ts";
import type { ImageDiff } from "../image/diff-types.ts";
import { diff } from "../pipeline/diff.ts";
import type { ImageName } from "../pipeline/image-source.ts";
import { printableJson } from "../process/printable.ts";
import { type CommandContext, showsColor } from "./context.ts";
import { type DiffFlags, parseLimit } from "./diff-inputs.ts";
import { openHost } from "./host.ts";
import { absolute } from "./input-values.ts";
import { parsePlatformInput } from "./platform-input.ts";
import { writeNote } from "./write-note.ts";

export interface DiffJob {
  /** References, names given on this machine, or files of archives. */
  readonly from: string;
  readonly to: string;
  readonly asked: DiffFlags;
}

/**
 * Compares two cluster images and prints what changed.
 *
 * @returns the comparison, and the same as markdown of at most `limit` bytes
 * @throws KubefileError as the comparison does, USAGE for flags that cannot be read
 */
export async function diffInJob(
  context: CommandContext,
  { from, to, asked }: DiffJob,
): Promise<{ readonly result: ImageDiff; readonly markdown: string }> {
  const { format = "pretty", files = true, limit, platform, ...flags } = asked;
  const bytes = parseLimit(limit);
  const chosen = parsePlatformInput(platform);
  await using host = await openHost(context, flags);
  const named = (name: string): ImageName => ({ name, file: absolute(name, context.cwd) });
  const result = await diff(host, { from: named(from), to: named(to), files, platform: chosen });
  host.endProgress();
  const { stdout, env } = context;
  const markdown = diffMarkdown(result, { limit: bytes });
  const printed = {
    json: () => `${printableJson(result)}\n`,
    markdown: () => markdown,
    pretty: () => formatDiff(result, { color: showsColor(stdout, env), width: stdout.columns ?? 120 }),
  };
  stdout.write(printed[format]());
  return { result, markdown };
}

/** Puts a comparison where a job tells of itself: its page, values for later steps, and perhaps the request. */
export async function tellDiff(
  context: CommandContext,
  { result, markdown }: Awaited<ReturnType<typeof diffInJob>>,
  /** Of the comment; undefined writes none. */
  key: string | undefined,
): Promise<void> {
  const { platform } = context;
  await platform.summary(markdown);
  await platform.output("markdown", markdown);
  await platform.output("identical", String(result.identical));
  await platform.output("transfer-bytes", String(result.transfer.bytes));
  if (key !== undefined) await writeNote(context, key, markdown);
}
