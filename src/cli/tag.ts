import { type Command, Option } from "commander";
import { parseReference } from "../oci/reference.ts";
import { tag } from "../pipeline/tag.ts";
import type { CommandContext } from "../platform/context.ts";
import { openHost } from "../platform/host.ts";
import { parseNewName } from "../platform/input-values.ts";
import { parsePlatformInput } from "../platform/platform-input.ts";
import { parseIfDigest, tagInputs } from "../platform/tag-inputs.ts";
import { printableJson } from "../process/printable.ts";
import { addInputs, writtenInputs } from "./input-options.ts";

export function registerTag(program: Command, context: CommandContext): void {
  const command = program
    .command("tag")
    .description("make names stand for what is in the registry already; nothing is transferred")
    .argument("<ref>", "what they will stand for, best by digest")
    .argument("<new...>", "tags of its repository (edge), or names of other repositories of its registry")
    .addOption(
      new Option("--format <format>", "how the result is printed").choices(["pretty", "json"]).default("pretty"),
    );
  addInputs(command, tagInputs)
    .addHelpText(
      "after",
      `
Examples:
  kubefile tag registry.example/shop:sha-4f2a edge 1.4 1
  kubefile tag registry.example/shop@sha256:… registry.example/released/shop:1.4.2
  kubefile tag --platform linux/arm64 registry.example/shop:1.4 for-the-edge
  kubefile tag registry.example/shop:sha-4f2a edge --if-digest sha256:…
                                                     unless somebody has moved it meanwhile`,
    )
    .action(async (name: string, names: readonly string[], { format }: { readonly format: "pretty" | "json" }) => {
      const { ifDigest, platform: wanted, ...flags } = writtenInputs(command, tagInputs);
      const source = parseReference(name);
      const targets = names.map((text) => parseNewName(text, source));
      const expected = parseIfDigest(ifDigest);
      const platform = parsePlatformInput(wanted);
      await using host = await openHost(context, flags);
      const moved = await tag(host, { source, targets, expected, platform });
      host.endProgress();
      context.stdout.write(
        format === "json"
          ? `${printableJson(moved)}\n`
          : moved.tags.map(({ reference }) => `${reference}@${moved.digest}\n`).join(""),
      );
    });
}
