import type { Command } from "commander";
import { hostInputs } from "../platform/build-inputs.ts";
import { cleanInputs } from "../platform/clean-inputs.ts";
import { cleanInJob } from "../platform/clean-job.ts";
import type { CommandContext } from "../platform/context.ts";
import { inputsOfVariables } from "../platform/job-inputs.ts";
import { addInputs, writtenInputs } from "./input-options.ts";

export function registerClean(program: Command, context: CommandContext): void {
  const command = program
    .command("clean")
    .description("remove whatever an interrupted run left, or what a closed request has at registries")
    .argument("[repository...]", "with --pull-request: where its images and its cache records are");
  addInputs(command, cleanInputs)
    .addHelpText(
      "after",
      `
Of this machine clusters, containers, networks, processes and files are removed. Runs of other machines that share the
engine, clusters that other users keep, and runs that are still going on, are never touched. What builds have kept
for later ones stays, too: \`kubefile cache prune\` removes it.

Of a request the tag pr-12 (mr-12) is removed, and cache records of the prefix pr-12. Images stay under their digests
and other tags.

Examples:
  kubefile clean
  kubefile clean --run demo       also what \`kubefile run --name demo\` keeps
  kubefile clean --all
  kubefile clean --pull-request 12 --dry-run registry.example/shop registry.example/shop/cache`,
    )
    .action(async (repositories: readonly string[]) => {
      // Of a job's variables only those that say how registries are reached: the rest is another verb's.
      const flags = { ...inputsOfVariables(hostInputs, context.env), ...writtenInputs(command, cleanInputs) };
      await cleanInJob(context, flags, repositories);
    });
}
