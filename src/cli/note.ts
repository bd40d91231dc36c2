import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { KubefileError } from "../error.ts";
import type { CommandContext } from "../platform/context.ts";
import { absolute } from "../platform/input-values.ts";

export function registerNote(program: Command, context: CommandContext): void {
  program
    .command("note")
    .description("write a file to this pull or merge request, over the note of the same key")
    .requiredOption("--file <file>", "the note, as markdown")
    .requiredOption("--key <key>", "tells this note from others of kubefile's")
    .addHelpText(
      "after",
      `
Where nothing may be written, or there is no request, it says so and changes nothing: the exit code is 0 all the same.
In GitLab it needs KUBEFILE_GITLAB_TOKEN, an access token of the project with the scope api; a job's own cannot do it.

Examples:
  kubefile note --file preview.md --key preview`,
    )
    .action(async ({ file, key }: { readonly file: string; readonly key: string }) => {
      const markdown = await readFile(absolute(file, context.cwd), "utf8").catch((error: unknown) => {
        throw new KubefileError("USAGE", `${file} cannot be read`, {
          hint: "name a file of markdown",
          cause: error,
        });
      });
      const outcome = await context.platform.stickyNote(key, markdown);
      context.stdout.write(
        outcome.state === "written"
          ? `note ${key} is written${outcome.url === undefined ? "" : `: ${outcome.url}`}\n`
          : `note ${key} is not written: ${outcome.reason}; its text is in ${file}\n`,
      );
    });
}
