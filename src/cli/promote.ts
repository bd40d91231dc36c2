import { type Command, Option } from "commander";
import type { Grade } from "../capture/types.ts";
import { KubefileError } from "../error.ts";
import { formatRepository, parseReference } from "../oci/reference.ts";
import { hostInputs } from "../platform/build-inputs.ts";
import { commitHistory } from "../platform/commit-history.ts";
import type { CommandContext } from "../platform/context.ts";
import { openHost } from "../platform/host.ts";
import { type MovedTag, promote } from "../platform/promote.ts";
import { sourceRevision } from "../platform/source-revision.ts";
import { openStore } from "../store/store.ts";
import { addInputs, askedInputs } from "./input-options.ts";

interface PromoteFlags {
  readonly accept: Grade;
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

export function registerPromote(program: Command, context: CommandContext): void {
  const command = program
    .command("promote")
    .description("in CI: give a verified cluster image the tags that its commit, branch or version earns")
    .argument("<ref>", "the image, by its digest, in the repository whose tags are moved")
    .addOption(
      new Option("--accept <grade>", "the least that a release may be")
        .choices(["ready", "pulled", "static"])
        .default("ready"),
    )
    .option("--force", "move a branch's tags also to a commit that does not follow what they carry")
    .option("--dry-run", "say what would be done");
  addInputs(command, hostInputs)
    .addHelpText(
      "after",
      `
A branch's tags go forward only, and versions never move. Which tags there are: docs/pipelines.md, "Tags".

Examples:
  kubefile promote registry.example/shop@sha256:...
  kubefile promote --dry-run registry.example/shop@sha256:...`,
    )
    .action(async (name: string, flags: PromoteFlags) => {
      const { env, cwd, signal, stdout, platform } = context;
      const reference = parseReference(name);
      const revision = await sourceRevision(env);
      if (revision === undefined) {
        throw new KubefileError("USAGE", "there is no CI run here that would say which commit this is", {
          hint: "`kubefile tag` gives an image any name",
        });
      }
      await using host = await openHost(context, askedInputs(command, hostInputs, env));
      await using store = await openStore(host.directories.store);
      const { digest, tags } = await host.progress.phase("promote", () =>
        promote(host, store, {
          ...{ reference, revision, acceptedGrade: flags.accept },
          ...{ force: flags.force ?? false, dryRun: flags.dryRun ?? false },
          history: commitHistory({ directory: cwd, env, signal }),
        }),
      );
      host.endProgress();
      const repository = formatRepository(reference);
      for (const tag of tags) stdout.write(`${lineOf(repository, tag)}\n`);
      if (flags.dryRun !== true) await platform.output("promoted", `${repository}@${digest}`);
    });
}

function lineOf(repository: string, { tag, state, from, reason }: MovedTag): string {
  const name = `${repository}:${tag}`;
  switch (state) {
    case "new":
      return `new    ${name}`;
    case "moved":
      return `moved  ${name}, from ${from ?? ""}`;
    case "same":
      return `same   ${name}`;
    case "left":
      return `left   ${name}: ${reason ?? ""}`;
    default:
      return state satisfies never;
  }
}
