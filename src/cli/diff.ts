import type { Command } from "commander";
import { diffMarkdown } from "../image/diff-markdown.ts";
import { formatDiff } from "../image/diff-text.ts";
import { diff } from "../pipeline/diff.ts";
import type { ImageName } from "../pipeline/image-source.ts";
import { type CommandContext, showsColor } from "../platform/context.ts";
import { diffInputs, parseLimit, parsePlatformInput } from "../platform/diff-inputs.ts";
import { openHost } from "../platform/host.ts";
import { absolute } from "../platform/input-values.ts";
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
      const { format = "pretty", files = true, limit, platform, ...flags } = writtenInputs(command, diffInputs);
      const bytes = parseLimit(limit);
      const chosen = parsePlatformInput(platform);
      await using host = await openHost(context, flags);
      const named = (name: string): ImageName => ({ name, file: absolute(name, context.cwd) });
      const result = await diff(host, { from: named(from), to: named(to), files, platform: chosen });
      host.endProgress();
      const { stdout, env } = context;
      const printed = {
        json: () => `${JSON.stringify(result, undefined, 2)}\n`,
        markdown: () => diffMarkdown(result, { limit: bytes }),
        pretty: () => formatDiff(result, { color: showsColor(stdout, env), width: stdout.columns ?? 120 }),
      };
      stdout.write(printed[format]());
    });
}
