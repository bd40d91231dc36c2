import type { Command } from "commander";
import type { CommandContext } from "../platform/context.ts";
import { diffInputs } from "../platform/diff-inputs.ts";
import { diffInJob } from "../platform/diff-job.ts";
import { addInputs, writtenInputs } from "./input-options.ts";

export function registerDiff(program: Command, context: CommandContext): void {
  const command = program
    .command("diff")
    .description(
      "compare two cluster images: what changed, and what a site that holds the first fetches for the second",
    )
    .argument("<from>", "a reference, a name given here, or an archive's file")
    .argument("<to>", "the same");
  addInputs(command, diffInputs)
    .addHelpText(
      "after",
      `
Examples:
  kubefile diff registry.example/shop:1.0 registry.example/shop:1.1
  kubefile diff registry.example/shop:edge shop:dev --no-files
  kubefile diff shop-1.0.tar shop-1.1.tar --format json | jq .transfer.bytes
  kubefile diff registry.example/shop:edge shop:dev --format markdown --limit 60000`,
    )
    .action(async (from: string, to: string) => {
      await diffInJob(context, { from, to, asked: writtenInputs(command, diffInputs) });
    });
}
