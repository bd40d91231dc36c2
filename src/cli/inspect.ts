import { type Command, Option } from "commander";
import { formatIndexInspection } from "../image/inspect-index.ts";
import { formatInspection } from "../image/inspect-text.ts";
import { inspect, inspectIfPresent } from "../pipeline/inspect.ts";
import { hostInputs } from "../platform/build-inputs.ts";
import { type CommandContext, showsColor } from "../platform/context.ts";
import { openHost } from "../platform/host.ts";
import type { Inputs } from "../platform/inputs.ts";
import { parsePlatformInput, platformInput } from "../platform/platform-input.ts";
import { printableJson } from "../process/printable.ts";
import { openStore } from "../store/store.ts";
import { addInputs, askedInputs } from "./input-options.ts";

const inspectInputs = { ...platformInput, ...hostInputs } as const satisfies Inputs;

interface InspectFlags {
  readonly format: "pretty" | "json";
  readonly ifPresent?: true;
}

export function registerInspect(program: Command, context: CommandContext): void {
  const command = program
    .command("inspect")
    .description(
      "show what is in a cluster image, built here or in a registry, or which platforms an index has; layers are not fetched",
    )
    .argument("<ref>", "its name, or the digest of one that has a name here")
    .addOption(new Option("--format <format>", "how it is printed").choices(["pretty", "json"]).default("pretty"))
    .option("--if-present", "print nothing when the registry shows no such image, and succeed");
  addInputs(command, inspectInputs)
    .addHelpText(
      "after",
      "\nExamples:\n  kubefile inspect registry.example/shop:1.0\n  kubefile inspect --platform linux/arm64 registry.example/shop:1.0   one image of an index\n  kubefile inspect --format json shop:dev | jq -r '.config.images[].reference'\n  kubefile inspect --if-present --format json registry.example/shop:1.0   in scripts: no output when there is none",
    )
    .action(async (name: string, flags: InspectFlags) => {
      const { platform, ...asked } = askedInputs(command, inspectInputs, context.env);
      await using host = await openHost(context, asked);
      await using store = await openStore(host.directories.store);
      const look = flags.ifPresent === true ? inspectIfPresent : inspect;
      const inspection = await look(host, store, name, parsePlatformInput(platform));
      host.endProgress();
      if (inspection === undefined) return;
      const options = { color: showsColor(context.stdout, context.env), width: context.stdout.columns };
      context.stdout.write(
        flags.format === "json"
          ? `${printableJson(inspection)}\n`
          : "platforms" in inspection
            ? formatIndexInspection(inspection, options)
            : formatInspection(inspection, options),
      );
    });
}
