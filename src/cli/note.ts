import { readFile, stat } from "node:fs/promises";
import type { Command } from "commander";
import { KubefileError } from "../error.ts";
import { previewMarkdown } from "../pipeline/preview-markdown.ts";
import { readPreviewVerdict } from "../pipeline/read-preview-verdict.ts";
import type { CommandContext } from "../platform/context.ts";
import { absolute } from "../platform/input-values.ts";
import { precedingRun } from "../platform/preceding-run.ts";
import { longestComment, originOfPreview } from "../platform/run-preview.ts";

interface NoteFlags {
  readonly file?: string;
  readonly verdict?: string;
  readonly key: string;
}

/** Bytes that are read at all: a file may be a stranger's. */
const LONGEST_FILE = 16 * 1024 * 1024;

export function registerNote(program: Command, context: CommandContext): void {
  program
    .command("note")
    .description("write a file to this pull or merge request, over the note of the same key")
    .option("--file <file>", "the note, as markdown")
    .option(
      "--verdict <file>",
      "in place of it what `kubefile preview --verdict` wrote, also in a run that is not trusted",
    )
    .requiredOption("--key <key>", "tells this note from others of kubefile's")
    .addHelpText(
      "after",
      `
Where nothing may be written, or there is no request, it says so and changes nothing: the exit code is 0 all the same.
In GitLab it needs KUBEFILE_GITLAB_TOKEN, an access token of the project with the scope api; a job's own cannot do it.
On the event workflow_run of GitHub it writes to the pull request of the run that ended, which GitHub names, not the file.

Examples:
  kubefile note --file preview.md --key preview
  kubefile note --verdict verdict.json --key preview`,
    )
    .action(async (flags: NoteFlags) => {
      const { file, key } = flags;
      const markdown = await noteOf(flags, context);
      const outcome = await context.platform.stickyNote(key, markdown);
      context.stdout.write(
        outcome.state === "written"
          ? `note ${key} is written${outcome.url === undefined ? "" : `: ${outcome.url}`}\n`
          : `note ${key} is not written: ${outcome.reason}${file === undefined ? "" : `; its text is in ${file}`}\n`,
      );
    });
}

async function noteOf({ file, verdict }: NoteFlags, context: CommandContext): Promise<string> {
  const hint = "name a file of markdown with --file, or a verdict with --verdict";
  if (file !== undefined && verdict === undefined) return await readText(file, context, hint);
  if (file !== undefined || verdict === undefined) {
    throw new KubefileError("USAGE", "a note is one file", { hint });
  }
  const read = readPreviewVerdict(await readText(verdict, context, hint), verdict);
  const preceding = await precedingRun(context.env);
  const origin = {
    ...(await originOfPreview(context)),
    ...(preceding === undefined ? {} : { commit: preceding.commit }),
  };
  return previewMarkdown(read, { limit: longestComment, ...origin });
}

async function readText(file: string, { cwd }: CommandContext, hint: string): Promise<string> {
  const path = absolute(file, cwd);
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() === true && found.size <= LONGEST_FILE) return await readFile(path, "utf8");
  const why = found?.isFile() === true ? `has ${found.size} bytes, more than ${LONGEST_FILE}` : "cannot be read";
  throw new KubefileError("USAGE", `${file} ${why}`, { hint });
}
