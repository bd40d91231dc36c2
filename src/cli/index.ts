import { type Command, Option } from "commander";
import { KubefileError } from "../error.ts";
import { platformName } from "../image/cluster-index.ts";
import { formatReference, parseReference } from "../oci/reference.ts";
import { createIndex } from "../pipeline/create-index.ts";
import type { CommandContext } from "../platform/context.ts";
import { openHost } from "../platform/host.ts";
import { indexInputs } from "../platform/index-inputs.ts";
import { parseTarget } from "../platform/input-values.ts";
import { printableJson } from "../process/printable.ts";
import { addInputs, writtenInputs } from "./input-options.ts";

export function registerIndex(program: Command, context: CommandContext): void {
  const index = program
    .command("index")
    .description("put one name over cluster images of several platforms")
    .helpCommand(false)
    .addHelpText(
      "after",
      "\nExamples:\n  kubefile index create -t registry.example/shop:1.0 registry.example/shop:run-1 registry.example/shop:run-2",
    );
  const command = index
    .command("create")
    .description("join cluster images that runners of different platforms have pushed, and push the index")
    .argument("<image...>", "cluster images at registries, by digest or tag; of an index all that it has")
    .addOption(
      new Option("--format <format>", "how the result is printed").choices(["pretty", "json"]).default("pretty"),
    );
  addInputs(command, indexInputs)
    .addHelpText(
      "after",
      `
The digest is printed. Images of another repository are mounted into that of the index, or copied.

Examples:
  kubefile build -t registry.example/shop:1.0-amd64 --push .      on a runner of amd64
  kubefile build -t registry.example/shop:1.0-arm64 --push .      on one of arm64
  kubefile index create -t registry.example/shop:1.0 registry.example/shop:1.0-amd64 registry.example/shop:1.0-arm64`,
    )
    .action(async (names: readonly string[], { format }: { readonly format: "pretty" | "json" }) => {
      const { tag = [], mixedGrades = false, ...flags } = writtenInputs(command, indexInputs);
      if (tag.length === 0) {
        throw new KubefileError("USAGE", "the index has no name", { hint: "add --tag REGISTRY/NAME:TAG" });
      }
      const targets = tag.map(parseTarget);
      await using host = await openHost(context, flags);
      const created = await createIndex(host, { images: names.map(parseReference), targets, mixedGrades });
      host.endProgress();
      const references = targets.map(formatReference);
      const platforms = created.images.map((image) => ({
        platform: platformName(image),
        digest: image.digest,
        grade: image.config.grade,
      }));
      await context.platform.output("digest", created.digest);
      context.stdout.write(
        format === "json"
          ? `${printableJson({ digest: created.digest, references, platforms })}\n`
          : references.map((reference) => `${reference}@${created.digest}\n`).join(""),
      );
    });
}
