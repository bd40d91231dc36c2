import { type Command, Option } from "commander";
import { inspectClusterImage } from "../image/inspect.ts";
import { formatInspection } from "../image/inspect-text.ts";
import { fetchDescription } from "../image/load.ts";
import { resolveLocal } from "../image/local-tags.ts";
import { readClusterImage } from "../image/read.ts";
import { parseReference } from "../oci/reference.ts";
import { hostInputs } from "../platform/build-inputs.ts";
import { type CommandContext, showsColor } from "../platform/context.ts";
import { openHost } from "../platform/host.ts";
import { openStore } from "../store/store.ts";
import { addInputs, askedInputs } from "./input-options.ts";

interface InspectFlags {
  readonly format: "pretty" | "json";
}

export function registerInspect(program: Command, context: CommandContext): void {
  const command = program
    .command("inspect")
    .description("show what is in a cluster image, built here or in a registry; layers are not fetched")
    .argument("<ref>", "its name")
    .addOption(new Option("--format <format>", "how it is printed").choices(["pretty", "json"]).default("pretty"));
  addInputs(command, hostInputs)
    .addHelpText(
      "after",
      "\nExamples:\n  kubefile inspect registry.example/shop:1.0\n  kubefile inspect --format json shop:dev | jq -r '.config.images[].reference'",
    )
    .action(async (name: string, flags: InspectFlags) => {
      await using host = await openHost(context, askedInputs(command, hostInputs, context.env));
      await using store = await openStore(host.directories.store);
      const reference = parseReference(name);
      const local = await resolveLocal(store.directory, reference);
      host.trustRegistry(reference.host);
      const image =
        local === undefined
          ? await fetchDescription({ client: host.client, store, reference, signal: host.signal })
          : await readClusterImage(store, local.digest);
      const inspection = await inspectClusterImage(store, image, name);
      host.endProgress();
      context.stdout.write(
        flags.format === "json"
          ? `${JSON.stringify(inspection, undefined, 2)}\n`
          : formatInspection(inspection, {
              color: showsColor(context.stdout, context.env),
              width: context.stdout.columns,
            }),
      );
    });
}
