import { type Command, Option } from "commander";
import { parseReference } from "../oci/reference.ts";
import { hostInputs } from "../platform/build-inputs.ts";
import type { CommandContext } from "../platform/context.ts";
import { openHost } from "../platform/host.ts";
import { absolute } from "../platform/input-values.ts";
import { releaseInJob } from "../platform/release-job.ts";
import { addInputs, askedInputs } from "./input-options.ts";

interface ReleaseFlags {
  readonly previous?: string;
  readonly archive?: boolean;
  readonly attach?: readonly string[];
  readonly dryRun?: boolean;
}

export function registerRelease(program: Command, context: CommandContext): void {
  const command = program
    .command("release")
    .description(
      "in CI: write the release of a Git tag: what the cluster image is, and what changed since the last one",
    )
    .argument("<ref>", "the image, best by its digest")
    .option("--previous <ref>", "the release to compare with, or `none` (default: the last one in its repository)")
    .option("--archive", "hang the image itself on it, as an OCI archive, when a release may hold it")
    .addOption(
      new Option("--attach <file>", "hang a file on it, such as kubefile.lock; may be given several times").argParser(
        (file: string, before: readonly string[] = []) => [...before, file],
      ),
    )
    .option("--dry-run", "print its notes, and write nothing");
  addInputs(command, hostInputs)
    .addHelpText(
      "after",
      `
On GitHub it needs GITHUB_TOKEN and the permission contents: write; in GitLab the job's own token does, and files are left
out. A release that is there is brought up to date. Tags of the image are the business of \`kubefile promote\`.

Examples:
  kubefile release registry.example/shop@sha256:...
  kubefile release --archive --attach kubefile.lock registry.example/shop:1.4.2`,
    )
    .action(async (name: string, flags: ReleaseFlags) => {
      const { stdout, cwd, env, platform } = context;
      await using host = await openHost(context, askedInputs(command, hostInputs, env));
      const { notes, outcome } = await releaseInJob(context, host, {
        reference: parseReference(name),
        previous: flags.previous,
        archive: flags.archive ?? false,
        files: (flags.attach ?? []).map((file) => absolute(file, cwd)),
        dryRun: flags.dryRun ?? false,
      });
      host.endProgress();
      stdout.write(notes);
      await platform.summary(notes);
      if (outcome === undefined) return;
      const url = outcome.state === "written" ? outcome.url : undefined;
      if (url !== undefined) await platform.output("release-url", url);
      stdout.write(
        outcome.state === "written"
          ? `\nreleased${url === undefined ? "" : `: ${url}`}\n`
          : `\nnot released: ${outcome.reason}\n`,
      );
    });
}
